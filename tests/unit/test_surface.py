"""Our names, values, signatures and class trees against a recorded surface (`tests/data/api_surface.json`).

The surface is that of the community client of the same name, release 0.14.4. What is not there yet is listed below by
family; a family of which one name exists has to exist whole, and then it leaves the list.
"""

import importlib.metadata
import inspect
import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

import aerospike_py

SURFACE = json.loads((Path(__file__).parent.parent / "data" / "api_surface.json").read_text())

MODULES = ("exception", "numpy_batch", "types")
INCIDENTAL = {"types": {"Any", "NamedTuple", "TypeAlias", "TypedDict"}}  # what that module imported, not what it offers

# ---- what later work brings -----------------------------------------------------------------------------------------

LATER_MODULES = (
    "bit_operations",
    "exp",
    "hll_operations",
    "list_operations",
    "map_operations",
    "predicates",
)
LATER_NAMES = {
    "query": {
        "AsyncQuery",
        "PartitionFilter",
        "Query",
        "QueryPolicy",
        "ScanPolicy",
        "partition_filter_all",
        "partition_filter_by_id",
        "partition_filter_by_range",
        "predicates",
    },
    "udf": {"BatchUDFMeta", "BatchUDFPolicy"},
    "expressions": {"exp"},
    "list operations": {"ListPolicy", "list_operations"},
    "map operations": {"MapPolicy", "map_operations"},
    "hll operations": {"HLLPolicy", "hll_operations"},
    "bit operations": {"bit_operations"},
    "tracing": {"init_tracing", "shutdown_tracing"},
}
LATER_METHODS = {
    "query": {"query"},
    "index": {"index_geo2dsphere_create", "index_integer_create", "index_remove", "index_string_create"},
    "udf": {"apply", "batch_apply", "udf_put", "udf_remove"},
    "batch_operate": {"batch_operate"},
}
ALL_LATER_NAMES = set().union(*LATER_NAMES.values())
ALL_LATER_METHODS = set().union(*LATER_METHODS.values())

# ---- what we offer beyond the surface -------------------------------------------------------------------------------

OUR_NAMES = {
    "InvalidUser",
    "InvalidPassword",
    "ExpiredPassword",
    "InvalidCredential",
    "ExpiredSession",
    "NotAuthenticated",
    "RoleViolation",
    "BatchPolicyInstance",
    "HedgeConfig",
    "IntegerRangeError",
    "ProfileReport",
    "TLSError",
    "TlsConfig",
    "last_timings",
    "profile_report",
    "reset_stage_metrics",
}
OUR_METHODS = {"batch_read_many", "batch_read_ordered"}


def module_of(name):
    return aerospike_py if name == "aerospike_py" else getattr(__import__(f"aerospike_py.{name}"), name)


def wanted_names():
    """Every (module, name, recorded) that has to be there now."""
    for module in ("aerospike_py", *MODULES):
        for name, recorded in SURFACE[module].items():
            if name not in ALL_LATER_NAMES | INCIDENTAL.get(module, set()):
                yield pytest.param(module, name, recorded, id=f"{module}.{name}")


def parameters_of(function):
    """Name, kind and default of each parameter but `self`, as recorded ones."""
    return [
        (parameter.name, parameter.kind, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name not in ("self", "$self", "type")
    ]


def recorded_parameters(recorded):
    """The parameters of a recorded function in the same form; defaults are written as Python text."""
    kinds = inspect._ParameterKind
    return [
        (
            name,
            kinds[kind.upper()],
            inspect.Parameter.empty if default is None else eval(default, {"__builtins__": {}}),
        )
        for name, kind, default in recorded["params"]
        if name != "self"
    ]


@pytest.mark.parametrize(("module", "name", "recorded"), list(wanted_names()))
def test_a_name_of_the_surface_is_there_and_is_what_it_was(module, name, recorded):
    ours = getattr(module_of(module), name)
    if isinstance(recorded, int):
        assert (type(ours), ours) == (int, recorded)
    elif recorded == "module":
        assert isinstance(ours, types.ModuleType)
    elif name == "__version__":
        assert isinstance(ours, str)
    elif isinstance(recorded, str):
        assert str(ours) == recorded
    elif "bases" in recorded:
        assert_same_class(ours, recorded)
    elif recorded["params"] is not None:
        assert callable(ours)
        if name != "internal_stage_profiling":
            assert parameters_of(ours) == recorded_parameters(recorded)


def assert_same_class(ours, recorded):
    """Bases by name, fields and defaults of a NamedTuple, members by kind."""
    if recorded["bases"] == ["dict"]:  # a TypedDict
        assert issubclass(ours, dict)
        return
    parents = [base.__name__ for base in ours.__mro__[1:]]
    expected = iter(parents)
    assert all(base in expected for base in recorded["bases"]), (parents, recorded["bases"])
    if "fields" in recorded:
        assert list(ours._fields) == recorded["fields"]
        assert {name: repr(value) for name, value in ours._field_defaults.items()} == recorded["defaults"]
    for member, what in recorded["members"].items():
        if member not in ALL_LATER_METHODS:
            assert hasattr(ours, member), f"{ours.__name__}.{member} is missing"
            if isinstance(what, dict):
                assert callable(getattr(ours, member)), f"{ours.__name__}.{member} is no method"


def methods():
    """Every (class, method, recorded signature) that has to be there now."""
    for name in ("Client", "AsyncClient", "LazyBatchRecords", "NumpyBatchRecords"):
        for method, recorded in SURFACE["aerospike_py"][name]["members"].items():
            is_operator = method.startswith("__") and method not in ("__enter__", "__exit__", "__aenter__", "__aexit__")
            if isinstance(recorded, dict) and method not in ALL_LATER_METHODS and not is_operator:
                yield pytest.param(name, method, recorded, id=f"{name}.{method}")


OUR_PARAMETERS = {("LazyBatchRecords", "to_dict"): {"by"}}


@pytest.mark.parametrize(("kind", "method", "recorded"), list(methods()))
def test_a_method_takes_the_recorded_parameters(kind, method, recorded):
    ours = parameters_of(getattr(getattr(aerospike_py, kind), method))
    extra = OUR_PARAMETERS.get((kind, method), set())
    assert [each for each in ours if each[0] not in extra] == recorded_parameters(recorded)


# ---- no half families -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", sorted(LATER_NAMES))
def test_a_family_of_later_work_is_not_there_half(family):
    there = {
        f"{module}.{name}"
        for module in ("aerospike_py", "types")
        for name in LATER_NAMES[family]
        if hasattr(module_of(module), name)
    }
    assert there == set(), f"{family} has begun: finish it and take it off the list"


@pytest.mark.parametrize("family", sorted(LATER_METHODS))
def test_methods_of_later_work_are_not_there_half(family):
    there = {
        f"{kind.__name__}.{name}"
        for kind in (aerospike_py.Client, aerospike_py.AsyncClient)
        for name in LATER_METHODS[family]
        if hasattr(kind, name)
    }
    assert there == set(), f"{family} has begun: finish it and take it off the list"


@pytest.mark.parametrize("module", LATER_MODULES)
def test_modules_of_later_work_are_not_there_half(module):
    with pytest.raises(ModuleNotFoundError):
        __import__(f"aerospike_py.{module}")


def test_the_lists_of_later_work_name_only_what_the_surface_has():
    recorded = set(SURFACE["aerospike_py"]) | set(SURFACE["types"])
    assert recorded >= ALL_LATER_NAMES
    assert set(SURFACE["aerospike_py"]["Client"]["members"]) >= ALL_LATER_METHODS


# ---- what stands in __all__ -----------------------------------------------------------------------------------------


def test_every_name_in_all_can_be_had():
    missing = [name for name in aerospike_py.__all__ if not hasattr(aerospike_py, name)]
    assert missing == []
    assert len(set(aerospike_py.__all__)) == len(aerospike_py.__all__)


def test_every_public_attribute_stands_in_all():
    """Submodules may be there without; `annotations` and `TYPE_CHECKING` are spelled by the language."""
    for name in aerospike_py.__all__:
        getattr(aerospike_py, name)  # names that are loaded when first used
    public = {
        name
        for name, value in vars(aerospike_py).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public - {"annotations", "TYPE_CHECKING"} <= set(aerospike_py.__all__)


def test_all_holds_the_surface_and_what_we_add():
    recorded = set(SURFACE["aerospike_py"]) - {"__version__"} - ALL_LATER_NAMES
    assert set(aerospike_py.__all__) == recorded | OUR_NAMES


def test_clients_hold_the_surface_and_what_we_add():
    recorded = set(SURFACE["aerospike_py"]["Client"]["members"]) - ALL_LATER_METHODS
    ours = {name for name in dir(aerospike_py.Client) if not name.startswith("_")}
    assert ours == {name for name in recorded if not name.startswith("_")} | OUR_METHODS


def test_dir_shows_what_is_loaded_when_first_used():
    assert set(aerospike_py.__all__) | {"__version__"} <= set(dir(aerospike_py))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = aerospike_py.no_such_name


# ---- importing ------------------------------------------------------------------------------------------------------


def in_a_new_process(script):
    """What a script prints in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout.split()


def test_importing_loads_nothing_expensive():
    script = (
        "import sys; before = set(sys.modules); import aerospike_py; "
        "print(*sorted({'asyncio', 'logging', 'importlib.metadata', 'http.server', 'numpy', 'ssl', 'dataclasses'}"
        " & (set(sys.modules) - before)))"
    )
    assert in_a_new_process(script) == []


@pytest.mark.parametrize("value", ["1", "true", "YES", " On "])
def test_the_environment_switches_profiling_on(monkeypatch, value):
    monkeypatch.setenv("AEROSPIKE_PY_INTERNAL_METRICS", value)
    script = "import aerospike_py; print(aerospike_py.is_internal_stage_metrics_enabled())"
    assert in_a_new_process(script) == ["True"]


@pytest.mark.parametrize("value", ["", "0", "off", "no", "2"])
def test_other_values_leave_profiling_off(monkeypatch, value):
    monkeypatch.setenv("AEROSPIKE_PY_INTERNAL_METRICS", value)
    script = "import aerospike_py; print(aerospike_py.is_internal_stage_metrics_enabled())"
    assert in_a_new_process(script) == ["False"]


def test_the_version_is_that_of_the_distribution():
    assert aerospike_py.__version__ == importlib.metadata.version("aerospike-py-cpp")


def test_the_version_of_a_package_that_is_not_installed(monkeypatch):
    def not_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", not_installed)
    assert aerospike_py._version() == "0.0.0"


def test_annotation_names_do_not_exist_at_run_time():
    for name in ("Key", "PolicyKey", "TTL", "LogLevel", "PrivilegeName"):
        assert not hasattr(aerospike_py, name)
