#include "calls/operations.h"

#include "errors.h"
#include "results/lazy_batch.h"

namespace aero::py {
namespace {

bool is_given(PyObject* argument) noexcept { return argument != nullptr && argument != Py_None; }

// ---- one record: arguments -----------------------------------------------------------------------------------------

bool parse_put(record_operation& of, const argument_slots& given, bool strict) {
    return parse_bins(given[1], of.ops) && of.take_write_policy(given[3], given[2], strict);
}

bool parse_get(record_operation& of, const argument_slots& given, bool strict) {
    every_bin(of.ops);
    return of.take_read_policy(given[1], strict);
}

bool parse_select(record_operation& of, const argument_slots& given, bool strict) {
    return parse_bin_names(given[1], of.ops) && of.take_read_policy(given[2], strict);
}

bool parse_exists(record_operation& of, const argument_slots& given, bool strict) {
    no_bins(of.ops);
    return of.take_read_policy(given[1], strict);
}

bool parse_remove(record_operation& of, const argument_slots& given, bool strict) {
    delete_record(of.ops);
    if (!of.take_write_policy(given[2], given[1], strict)) return false;
    // A delete has no ttl and no rules about what it would create.
    of.ttl = 0;
    of.ops.info2 &= static_cast<uint8_t>(~wire::info2::create_only);
    of.rules.info3 &= wire::info3::commit_master;
    return true;
}

// `val` is the new ttl; it wins over those of policy and meta unless it is 0.
bool parse_touch(record_operation& of, const argument_slots& given, bool strict) {
    touch_op(of.ops);
    if (!is_given(given[1])) return of.take_write_policy(given[3], given[2], strict);
    const ref as_policy = ref::take(PyDict_New());
    write_options seconds;
    if (!as_policy || PyDict_SetItem(as_policy.get(), state().ttl, given[1]) < 0 ||
        !parse_write_policy(as_policy.get(), nullptr, strict, seconds) ||
        !of.take_write_policy(given[3], given[2], strict))
        return false;
    if (seconds.rules.ttl != 0) of.ttl = seconds.rules.ttl;
    return true;
}

template <wire::op_code Code>
bool parse_modify(record_operation& of, const argument_slots& given, bool strict) {
    return parse_modification(Code, given[1], given[2], of.ops) && of.take_write_policy(given[4], given[3], strict);
}

bool parse_remove_bin(record_operation& of, const argument_slots& given, bool strict) {
    return parse_removed_bins(given[1], of.ops) && of.take_write_policy(given[3], given[2], strict);
}

template <bool EveryOpAnswers>
bool parse_operate(record_operation& of, const argument_slots& given, bool strict) {
    return parse_ops(given[1], EveryOpAnswers, of.ops) && of.take_write_policy(given[3], given[2], strict);
}

// ---- one record: results -------------------------------------------------------------------------------------------

PyObject* done(const record_operation& of, const record_reply& reply) {
    return check_reply(reply, of.kind().name()) ? new_ref(Py_None) : nullptr;
}

template <PyObject* (*Make)(const record_reply&, const record_key&)>
PyObject* checked(const record_operation& of, const record_reply& reply) {
    return check_reply(reply, of.kind().name()) ? Make(reply, of.key.objects) : nullptr;
}

PyObject* existence(const record_operation& of, const record_reply& reply) {
    return new_exists_result(reply, of.key.objects);
}

// ---- many records --------------------------------------------------------------------------------------------------

bool parse_batch_read(batch_operation& of, const argument_slots& given, bool strict) {
    return of.call.read(given[0], given[1], given[2], strict);
}

// One list of all keys, and how many belong to each group.
bool parse_batch_read_many(batch_operation& of, const argument_slots& given, bool strict) {
    const ref groups = ref::take(PySequence_Tuple(given[0]));
    const ref keys = ref::take(PyList_New(0));
    if (!groups || !keys) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(groups.get()); ++i) {
        const Py_ssize_t before = PyList_GET_SIZE(keys.get());
        const ref added = ref::take(PySequence_InPlaceConcat(keys.get(), PyTuple_GET_ITEM(groups.get(), i)));
        if (!added) return false;
        of.group_sizes.push_back(static_cast<size_t>(PyList_GET_SIZE(keys.get()) - before));
    }
    return of.call.read(keys.get(), given[1], given[2], strict);
}

bool parse_batch_write(batch_operation& of, const argument_slots& given, bool strict) {
    return of.take_retry(given[2]) && of.call.write(given[0], given[1], strict);
}

// data, namespace, set_name, _dtype, key_field, policy, retry
bool parse_batch_write_numpy(batch_operation& of, const argument_slots& given, bool strict) {
    return of.take_retry(given[6]) &&
           of.call.write_numpy(given[0], given[1], given[2], given[3], given[4], given[5], strict);
}

bool parse_batch_remove(batch_operation& of, const argument_slots& given, bool strict) {
    return of.call.remove(given[0], given[1], strict);
}

PyObject* lazy_records(batch_operation& of, batch_reply&& reply, PyObject* timings) {
    of.call.keys.forget_digests();
    return make_lazy_batch(state(), std::move(reply), std::move(of.call.keys), timings);
}

PyObject* dict_per_group(batch_operation& of, batch_reply&& reply, PyObject*) {
    return new_dicts(reply, of.call.keys, of.group_sizes);
}

PyObject* dict_per_key(batch_operation& of, batch_reply&& reply, PyObject*) {
    return new_dict_list(reply, of.call.keys);
}

PyObject* write_result(batch_operation& of, batch_reply&& reply, PyObject*) {
    return new_batch_write_result(reply, of.call.keys, of.retry.watched() ? of.retry.report() : retry_report{});
}

// ---- nodes ---------------------------------------------------------------------------------------------------------

bool take_admin_policy(info_operation& of, PyObject* policy, bool strict) {
    admin_options admin;
    if (!parse_admin_policy(policy, strict, admin)) return false;
    of.timeout_ms = admin.timeout_ms;
    return true;
}

bool str_argument(PyObject* given, const char* name, std::string_view& to) {
    if (PyUnicode_Check(given)) return text_of(given, to);
    PyErr_Format(PyExc_TypeError, "%s must be str, not %s", name, Py_TYPE(given)->tp_name);
    return false;
}

bool parse_info(info_operation& of, const argument_slots& given, bool strict) {
    std::string_view command;
    if (!str_argument(given[0], "command", command)) return false;
    if (command.find('\n') != std::string_view::npos) {
        PyErr_SetString(PyExc_ValueError, "an info command is one line: ask one command per call");
        return false;
    }
    of.command = command;
    return take_admin_policy(of, given[1], strict);
}

// A name inside an info command; its separators would start another parameter.
bool name_argument(PyObject* given, const char* name, std::string_view& to) {
    if (!str_argument(given, name, to)) return false;
    if (to.find_first_of(";:=\n\t") == std::string_view::npos) return true;
    PyErr_Format(PyExc_ValueError, "%s holds a character that no name may have: %R", name, given);
    return false;
}

// namespace, set_name, nanos, policy
bool parse_truncate(info_operation& of, const argument_slots& given, bool strict) {
    std::string_view name_space, set;
    if (!name_argument(given[0], "namespace", name_space)) return false;
    if (is_given(given[1]) && !name_argument(given[1], "set_name", set)) return false;
    int64_t before_ns = 0;
    if (is_given(given[2])) {
        const ref number = ref::take(PyNumber_Index(given[2]));
        if (!number) return false;
        int overflow = 0;
        before_ns = small_int(number.get(), overflow);
        if (overflow != 0 || before_ns < 0) {
            PyErr_Format(PyExc_ValueError, "nanos must be 0 or a Unix time in nanoseconds, got %R", given[2]);
            return false;
        }
    }
    of.command = set.empty() ? "truncate-namespace:namespace=" : "truncate:namespace=";
    of.command += name_space;
    if (!set.empty()) of.command.append(";set=").append(set);
    if (before_ns != 0) of.command.append(";lut=").append(std::to_string(before_ns));
    return take_admin_policy(of, given[3], strict);
}

bool parse_ping(info_operation& of, const argument_slots&, bool) {
    of.command = "build";
    return true;
}

PyObject* raise_info_error(const info_operation& of, const info_reply& reply) {
    error why;
    why.what = reply.code;
    why.node = reply.node;
    why.text = reply.text;
    why.attempts = 1;
    return raise(why, of.kind().name());
}

PyObject* answers_of_nodes(const info_operation&, std::vector<info_reply>&& replies) {
    ref list = ref::take(PyList_New(static_cast<Py_ssize_t>(replies.size())));
    if (!list) return nullptr;
    for (size_t i = 0; i < replies.size(); ++i) {
        PyObject* answer = new_info_result(replies[i]);
        if (answer == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), answer);
    }
    return list.release();
}

// An answer is given as it stands, also when it says ERROR; only a node that did not answer is an error.
PyObject* answer_of_node(const info_operation& of, std::vector<info_reply>&& replies) {
    const info_reply& reply = replies.front();
    return static_cast<int16_t>(reply.code) < 0 ? raise_info_error(of, reply) : new_text(reply.text);
}

PyObject* accepted(const info_operation& of, std::vector<info_reply>&& replies) {
    return replies.front().code == code::ok ? new_ref(Py_None) : raise_info_error(of, replies.front());
}

PyObject* answered(const info_operation&, std::vector<info_reply>&& replies) {
    return PyBool_FromLong(!replies.empty() && replies.front().code == code::ok);
}

// ---- signatures ----------------------------------------------------------------------------------------------------

constexpr signature put_arguments{"put", {"key", "bins", "meta", "policy"}, 4, 2};
constexpr signature get_arguments{"get", {"key", "policy"}, 2, 1};
constexpr signature select_arguments{"select", {"key", "bins", "policy"}, 3, 2};
constexpr signature exists_arguments{"exists", {"key", "policy"}, 2, 1};
constexpr signature remove_arguments{"remove", {"key", "meta", "policy"}, 3, 1};
constexpr signature touch_arguments{"touch", {"key", "val", "meta", "policy"}, 4, 1};
constexpr signature append_arguments{"append", {"key", "bin", "val", "meta", "policy"}, 5, 3};
constexpr signature prepend_arguments{"prepend", {"key", "bin", "val", "meta", "policy"}, 5, 3};
constexpr signature increment_arguments{"increment", {"key", "bin", "offset", "meta", "policy"}, 5, 3};
constexpr signature remove_bin_arguments{"remove_bin", {"key", "bin_names", "meta", "policy"}, 4, 2};
constexpr signature operate_arguments{"operate", {"key", "ops", "meta", "policy"}, 4, 2};
constexpr signature operate_ordered_arguments{"operate_ordered", {"key", "ops", "meta", "policy"}, 4, 2};
constexpr signature batch_read_arguments{"batch_read", {"keys", "bins", "policy"}, 3, 1};
constexpr signature batch_read_many_arguments{"batch_read_many", {"groups", "bins", "policy"}, 3, 1};
constexpr signature batch_read_ordered_arguments{"batch_read_ordered", {"keys", "bins", "policy"}, 3, 1};
constexpr signature batch_write_arguments{"batch_write", {"records", "policy", "retry"}, 3, 1};
constexpr signature batch_write_numpy_arguments{
    "batch_write_numpy", {"data", "namespace", "set_name", "_dtype", "key_field", "policy", "retry"}, 7, 4};
constexpr signature batch_remove_arguments{"batch_remove", {"keys", "policy"}, 2, 1};
constexpr signature info_all_arguments{"info_all", {"command", "policy"}, 2, 1};
constexpr signature info_random_node_arguments{"info_random_node", {"command", "policy"}, 2, 1};
constexpr signature truncate_arguments{"truncate", {"namespace", "set_name", "nanos", "policy"}, 4, 2};
constexpr signature ping_arguments{"ping", {}, 0, 0};

}  // namespace

record_kind put_kind{{parameters(put_arguments),
                      "put($self, key, bins, meta=None, policy=None)\n--\n\nWrite bins; None deletes a bin.", true},
                     parse_put,
                     done};
record_kind get_kind{
    {parameters(get_arguments),
     "get($self, key, policy=None)\n--\n\nRead all bins; RecordNotFound when there is no such record.", true},
    parse_get,
    checked<new_record>};
record_kind select_kind{
    {parameters(select_arguments), "select($self, key, bins, policy=None)\n--\n\nRead the named bins.", true},
    parse_select,
    checked<new_record>};
record_kind exists_kind{{parameters(exists_arguments),
                         "exists($self, key, policy=None)\n--\n\nRead generation and time to live; meta is None when "
                         "there is no such record.",
                         true},
                        parse_exists,
                        existence,
                        true};
record_kind remove_kind{
    {parameters(remove_arguments),
     "remove($self, key, meta=None, policy=None)\n--\n\nRemove a record; RecordNotFound when there is none.", true},
    parse_remove,
    done};
record_kind touch_kind{
    {parameters(touch_arguments),
     "touch($self, key, val=0, meta=None, policy=None)\n--\n\nRenew the time to live; val in seconds.", true},
    parse_touch,
    done};
record_kind append_kind{
    {parameters(append_arguments),
     "append($self, key, bin, val, meta=None, policy=None)\n--\n\nAppend to a string or bytes bin.", true},
    parse_modify<wire::op_code::append>,
    done};
record_kind prepend_kind{
    {parameters(prepend_arguments),
     "prepend($self, key, bin, val, meta=None, policy=None)\n--\n\nPrepend to a string or bytes bin.", true},
    parse_modify<wire::op_code::prepend>,
    done};
record_kind increment_kind{{parameters(increment_arguments),
                            "increment($self, key, bin, offset, meta=None, policy=None)\n--\n\nAdd to a number.", true},
                           parse_modify<wire::op_code::incr>,
                           done};
record_kind remove_bin_kind{{parameters(remove_bin_arguments),
                             "remove_bin($self, key, bin_names, meta=None, policy=None)\n--\n\nDelete bins.", true},
                            parse_remove_bin,
                            done};
record_kind operate_kind{{parameters(operate_arguments),
                          "operate($self, key, ops, meta=None, policy=None)\n--\n\nRun operations on one record "
                          "atomically; one value per bin.",
                          true},
                         parse_operate<false>,
                         checked<new_operate_result>};
record_kind operate_ordered_kind{{parameters(operate_ordered_arguments),
                                  "operate_ordered($self, key, ops, meta=None, policy=None)\n--\n\n"
                                  "Run operations atomically; one result per operation, in order.",
                                  true},
                                 parse_operate<true>,
                                 checked<new_ordered_result>};

batch_kind batch_read_kind{{parameters(batch_read_arguments),
                            "batch_read($self, keys, bins=None, policy=None)\n--\n\n"
                            "Read many records of any sets in one call; bins=[] asks for existence only.",
                            true},
                           parse_batch_read,
                           lazy_records};
batch_kind batch_read_many_kind{{parameters(batch_read_many_arguments),
                                 "batch_read_many($self, groups, bins=None, policy=None)\n--\n\n"
                                 "Read several groups of keys in one round; one dict per group.",
                                 true},
                                parse_batch_read_many,
                                dict_per_group};
batch_kind batch_read_ordered_kind{
    {parameters(batch_read_ordered_arguments),
     "batch_read_ordered($self, keys, bins=None, policy=None)\n--\n\nRead many records; one slot per key.", true},
    parse_batch_read,
    dict_per_key};
batch_kind batch_write_kind{
    {parameters(batch_write_arguments),
     "batch_write($self, records, policy=None, retry=0)\n--\n\nWrite many records; each has its own result.", true},
    parse_batch_write,
    write_result};
batch_kind batch_write_numpy_kind{
    {parameters(batch_write_numpy_arguments),
     "batch_write_numpy($self, data, namespace, set_name, _dtype, key_field='_key', policy=None, retry=0)\n--\n\n"
     "Write one record per row of a structured array.",
     true},
    parse_batch_write_numpy,
    write_result};
batch_kind batch_remove_kind{
    {parameters(batch_remove_arguments),
     "batch_remove($self, keys, policy=None)\n--\n\nRemove many records; each has its own result.", true},
    parse_batch_remove,
    write_result};

info_kind info_all_kind{
    {parameters(info_all_arguments), "info_all($self, command, policy=None)\n--\n\nAsk every node."},
    parse_info,
    answers_of_nodes,
    client::info_target::every_node};
info_kind info_random_node_kind{
    {parameters(info_random_node_arguments),
     "info_random_node($self, command, policy=None)\n--\n\nAsk one node; the value without the echoed command."},
    parse_info,
    answer_of_node};
info_kind truncate_kind{{parameters(truncate_arguments),
                         "truncate($self, namespace, set_name, nanos=0, policy=None)\n--\n\n"
                         "Remove every record of a set, or those last updated before nanos."},
                        parse_truncate,
                        accepted};
info_kind ping_kind{
    {parameters(ping_arguments), "ping($self)\n--\n\nAsk a node whether it answers; never raises.", false, true},
    parse_ping,
    answered};

bool init_operations() {
#define AERO_PREPARE(kind, type) \
    if (!kind.arguments.prepare()) return false;
    AERO_EACH_OPERATION(AERO_PREPARE)
#undef AERO_PREPARE
    return true;
}

}  // namespace aero::py
