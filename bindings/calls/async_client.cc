#include "calls/async_client.h"

#include <algorithm>
#include <vector>

#include "base/time.h"
#include "calls/attach.h"
#include "calls/awaitable.h"
#include "calls/client_object.h"
#include "calls/logs.h"
#include "calls/loop_api.h"
#include "calls/loop_host.h"
#include "calls/operations.h"
#include "errors.h"

namespace aero::py {
namespace {

// The hosts of one client. The mutex matters where threads run without a GIL; nothing of Python runs while it is held.
class host_list final : public host_owner {
  public:
    ~host_list() = default;
    loop_host* find(PyObject* loop) noexcept {  // a new reference or null, without an exception
        const std::lock_guard held(mutex_);
        for (loop_host* each : hosts_)
            if (host_is_on(each, loop)) return reinterpret_cast<loop_host*>(new_ref(as_object(each)));
        return nullptr;
    }
    void add(loop_host* host) {
        const std::lock_guard held(mutex_);
        hosts_.push_back(host);
        Py_INCREF(as_object(host));
    }
    std::vector<loop_host*> take_all() noexcept {
        const std::lock_guard held(mutex_);
        return std::exchange(hosts_, {});
    }
    // Those whose loop is closed or gone.
    std::vector<loop_host*> take_dead();
    void host_is_gone(loop_host* host) noexcept override {
        {
            const std::lock_guard held(mutex_);
            const auto at = std::ranges::find(hosts_, host);
            if (at == hosts_.end()) return;
            hosts_.erase(at);
        }
        Py_DECREF(as_object(host));
    }
    int traverse(visitproc visit, void* arg) {
        for (loop_host* each : hosts_) Py_VISIT(as_object(each));
        return 0;
    }

  private:
    std::mutex mutex_;
    std::vector<loop_host*> hosts_;  // owned
};

struct async_client_object {
    client_object base;
    host_list* hosts;
};

async_client_object* as_async(PyObject* self) noexcept { return reinterpret_cast<async_client_object*>(self); }

std::vector<loop_host*> host_list::take_dead() {
    std::vector<ref> all;
    {
        const std::lock_guard held(mutex_);
        for (loop_host* each : hosts_) all.push_back(ref::share(as_object(each)));
    }
    std::vector<loop_host*> dead;
    for (const ref& each : all) {
        auto* host = reinterpret_cast<loop_host*>(each.get());
        const ref loop = host_loop(host);
        if (loop && !loop_asks(loop.get(), asyncio.is_closed, false)) continue;
        const std::lock_guard held(mutex_);
        if (std::erase(hosts_, host) != 0) dead.push_back(host);
    }
    return dead;
}

void leave_all(const std::vector<loop_host*>& hosts) noexcept {
    for (loop_host* each : hosts) {
        host_leaves(each);
        Py_DECREF(as_object(each));
    }
}

// The host of the call's loop, made when there is none yet; a new reference, or null with an exception.
loop_host* host_for(call_object* call, const client& through) {
    async_client_object* self = as_async(call->client);
    if (loop_host* known = self->hosts->find(call->loop)) {
        if (host_is_open(known)) return known;
        self->hosts->host_is_gone(known);
        Py_DECREF(as_object(known));
    }
    leave_all(self->hosts->take_dead());
    event_config how;
    how.connections_min = self->base.life->config.loop_connections_min;
    loop_host* made = new_host(call->loop, through, how, *self->hosts);
    if (made != nullptr) self->hosts->add(made);
    return made;
}

// ---- operations ----------------------------------------------------------------------------------------------------

// Sends a parsed call. False with an exception.
bool send(call_object* call) {
    life_cycle& life = *as_client(call->client)->life;
    operation& work = *call->work;
    // In a forked child the hosts are the parent's.
    if (life.is_connected() && life.generation() != fork_generation())
        leave_all(as_async(call->client)->hosts->take_all());
    const auto through = handle_for(life, work.transport());
    if (!through) return false;
    if (work.nothing_to_send()) {
        settle_call(call, {}, wake_mode::soon);
        return true;
    }
    const ref host = ref::take(reinterpret_cast<PyObject*>(host_for(call, *through)));
    if (!host) return false;
    return host_submits(reinterpret_cast<loop_host*>(host.get()), call);
}

// What a loop has no time for is done elsewhere first. False with an exception.
bool begin(call_object* call) {
    auto unhashed = call->work->unhashed();
    if (unhashed == nullptr) return send(call);
    return handle_for(*as_client(call->client)->life, call->work->transport()) &&
           hash_elsewhere(call, std::move(unhashed), send);
}

// Begins a call whose arguments are bound. Whatever goes wrong ends it, and comes out where it is awaited.
void start_operation(call_object* call, const argument_slots& slots, std::unique_ptr<operation> work) {
    const bool profiled = metrics::stages_enabled();
    const bool measured = work->kind().measured && metrics::operations_enabled();
    const int64_t began = std::exchange(call->began, 0);
    const int64_t made = profiled ? monotonic_now() : 0;
    life_cycle& life = *as_client(call->client)->life;
    call->work = work.release();
    if (!call->work->parse(slots, life.config.strict)) return finish_call(call, nullptr, wake_mode::soon);
    if (call->work->kind().never_raises && !life.is_connected())
        return finish_call(call, new_ref(Py_False), wake_mode::soon);
    if (measured) call->began = began;
    if (profiled) {
        call->marks = guarded([] { return new stage_marks; }, static_cast<stage_marks*>(nullptr));
        if (call->marks == nullptr) return finish_call(call, nullptr, wake_mode::soon);
        call->marks->began = began != 0 ? began : made;
        call->marks->made = made;
        call->marks->parsed = monotonic_now();
    }
    if (!guarded([&] { return begin(call); }, false)) finish_call(call, nullptr, wake_mode::soon);
}

template <class Operation, auto& Kind>
void start(call_object* call, const argument_slots& slots) {
    auto work = guarded([] { return std::make_unique<Operation>(Kind); });
    if (work == nullptr) return finish_call(call, nullptr, wake_mode::soon);
    start_operation(call, slots, std::move(work));
}

// A call of `which`: under way when a loop runs, waiting for its first `send` otherwise.
PyObject* make_call(PyObject* self, const async_method& which, PyObject* const* given, Py_ssize_t count,
                    PyObject* keywords) {
    const int64_t began = metrics::stages_enabled() || metrics::operations_enabled() ? monotonic_now() : 0;
    forward_pending_logs();
    argument_slots slots;
    if (!which.arguments->bind(given, count, keywords, "AsyncClient", slots)) return nullptr;
    ref loop;
    if (!running_loop(loop)) return nullptr;
    ref made = ref::take(reinterpret_cast<PyObject*>(new_call(self, which)));
    if (!made) return nullptr;
    call_object* call = as_call(made.get());
    if (loop) {
        call->loop = loop.release();
        call->state = call_state::pending;
        call->began = began;
        which.start(call, slots);
    } else {
        call->kept = guarded([] { return new kept_arguments; }, static_cast<kept_arguments*>(nullptr));
        if (call->kept == nullptr) return nullptr;
        for (PyObject* each : slots) Py_XINCREF(each);
        call->kept->slots = slots;
    }
    return made.release();
}

template <class Operation, auto& Kind>
PyObject* method(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
    static const async_method which{&Kind.arguments, Kind.text, start<Operation, Kind>};
    return make_call(self, which, given, count, keywords);
}

// ---- life cycle ----------------------------------------------------------------------------------------------------

// A connect on its way from its thread to its loop: what both of them hold, and all that the thread holds. The loop
// takes the call out of it, so that a client is not kept by a thread that has yet to wind up.
struct pending_connect {
    static constexpr const char* name = "aerospike_py connect";

    ref call;
    ref whose;  // the client; a call that was cancelled has let go of it
    std::optional<result<client>> opened;

    static PyObject* wrap(call_object* call) {  // a capsule; null with an exception
        auto made = guarded([&] { return std::make_unique<pending_connect>(); });
        if (made == nullptr) return nullptr;
        made->call = ref::share(as_object(call));
        made->whose = ref::share(call->client);
        PyObject* capsule = PyCapsule_New(made.get(), name, [](PyObject* self) { delete of(self); });
        if (capsule != nullptr) made.release();
        return capsule;
    }
    static pending_connect* of(PyObject* capsule) noexcept {
        return static_cast<pending_connect*>(PyCapsule_GetPointer(capsule, name));
    }
    life_cycle& life() const noexcept { return *as_client(whose.get())->life; }
    void drop() noexcept {
        if (opened) life().drop_connect(std::move(*opened));
        opened.reset();
    }
    ~pending_connect() { drop(); }
};

// The connections that this loop keeps open are opened before its first call.
void warm_up(call_object* call) {
    life_cycle& life = *as_client(call->client)->life;
    if (life.config.loop_connections_min == 0) return;
    const auto through = life.handle();
    const ref host = ref::take(through ? as_object(host_for(call, *through)) : nullptr);
    if (!host) PyErr_Clear();  // closed meanwhile; whoever calls next will be told
}

// On the loop again, after the cluster was opened.
PyObject* connect_ended(PyObject* self, PyObject*) {
    pending_connect& pending = *pending_connect::of(self);
    if (call_object* call = as_call(pending.call.get()); call->state == call_state::pending) {
        const bool fine = pending.life().end_connect(std::move(*pending.opened));
        pending.opened.reset();
        if (fine) warm_up(call);
        const ref ended = std::exchange(pending.call, {});
        ref whose = std::exchange(pending.whose, {});
        finish_call(call, fine ? whose.release() : nullptr, wake_mode::directly);
    } else {
        pending.drop();
        pending.call.reset();
        pending.whose.reset();
    }
    forward_pending_logs();
    if (raise_kept_interrupt()) return nullptr;
    Py_RETURN_NONE;
}

// The thread of a connect. It belongs to Python, is not a daemon, and lives no longer than the connect timeout.
PyObject* connect_in_thread(PyObject* self, PyObject*) {
    pending_connect& pending = *pending_connect::of(self);
    const life_cycle& life = pending.life();
    {
        const gil_detached detached;
        pending.opened.emplace(life_cycle::open(life.config.native, nullptr));
    }
    const ref loop = ref::share(as_call(pending.call.get())->loop);
    static PyMethodDef ended{"connect_ended", connect_ended, METH_NOARGS, nullptr};
    const ref callback = ref::take(PyCFunction_New(&ended, self));
    // From here on `pending` is the loop's.
    if (callback && ref::take(loop_call_soon_threadsafe(loop.get(), callback.get()))) Py_RETURN_NONE;
    // The loop was closed meanwhile, so nobody waits.
    PyErr_Clear();
    pending.drop();
    Py_RETURN_NONE;
}

bool start_thread(PyObject* target) {
    const ref threading = ref::take(PyImport_ImportModule("threading"));
    const ref type = threading ? ref::take(PyObject_GetAttrString(threading.get(), "Thread")) : ref();
    const ref none = ref::take(PyTuple_New(0));
    const ref keywords =
        ref::take(Py_BuildValue("{s:O,s:s,s:O}", "target", target, "name", "aerospike_py connect", "daemon", Py_False));
    if (!type || !none || !keywords) return false;
    const ref thread = ref::take(PyObject_Call(type.get(), none.get(), keywords.get()));
    return thread && ref::take(PyObject_CallMethod(thread.get(), "start", nullptr));
}

void start_connect(call_object* call, const argument_slots& slots) {
    life_cycle& life = *as_client(call->client)->life;
    if (!guarded([&] { return life.begin_connect(slots[0], slots[1]); }))
        return finish_call(call, nullptr, wake_mode::soon);
    static PyMethodDef target{"connect", connect_in_thread, METH_NOARGS, nullptr};
    const ref pending = ref::take(pending_connect::wrap(call));
    const ref function = pending ? ref::take(PyCFunction_New(&target, pending.get())) : ref();
    if (function && start_thread(function.get())) return;
    ref raised = take_exception();
    life.drop_connect(fail(code::client, {}));
    put_exception(std::move(raised));
    finish_call(call, nullptr, wake_mode::soon);
}

void start_close(call_object* call, const argument_slots&) {
    life_cycle& life = *as_client(call->client)->life;
    std::optional<client> open;
    if (!life.begin_close(open)) return finish_call(call, nullptr, wake_mode::soon);
    leave_all(as_async(call->client)->hosts->take_all());
    if (open) {
        {
            const gil_detached detached;
            open->close();
            open.reset();
        }
        life.end_close();
    }
    finish_call(call, new_ref(Py_None), wake_mode::soon);
}

PyObject* connect(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
    static const async_method which{&connect_parameters, nullptr, start_connect};
    return make_call(self, which, given, count, keywords);
}

constexpr signature close_signature{"close", {}, 0, 0};
constexpr parameters close_parameters(close_signature);

PyObject* close(PyObject* self, PyObject*) {
    static const async_method which{&close_parameters, nullptr, start_close};
    return make_call(self, which, nullptr, 0, nullptr);
}

// ---- type ----------------------------------------------------------------------------------------------------------

PyObject* make_client(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
    if (!load_asyncio()) return nullptr;
    ref self = ref::take(new_client(type, args, kwargs));
    if (!self) return nullptr;
    as_async(self.get())->hosts = guarded([] { return new host_list; }, static_cast<host_list*>(nullptr));
    return as_async(self.get())->hosts != nullptr ? self.release() : nullptr;
}

int init(PyObject* self, PyObject* args, PyObject* kwargs) {
    if (init_client(self, args, kwargs) != 0) return -1;
    parsed_config& config = as_client(self)->life->config;
    config.loop_connections_min = std::exchange(config.native.connections_per_node_min, 0);
    return 0;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    return as_async(self)->hosts != nullptr ? as_async(self)->hosts->traverse(visit, arg) : 0;
}

int clear(PyObject* self) {
    if (as_async(self)->hosts != nullptr) leave_all(as_async(self)->hosts->take_all());
    return 0;
}

void dealloc(PyObject* self) {
    if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
    PyObject_GC_UnTrack(self);
    clear(self);
    delete std::exchange(as_async(self)->hosts, nullptr);
    free_client(self);
}

PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

#define AERO_METHOD(kind, type) \
    PyMethodDef{kind.arguments.describes().method, fast(method<type, kind>), METH_FASTCALL | METH_KEYWORDS, kind.text},

PyTypeObject* make_type(PyObject* module) {
    static PyMethodDef methods[] = {
        {"connect", fast(connect), METH_FASTCALL | METH_KEYWORDS,
         "connect($self, username=None, password=None)\n--\n\nFind the cluster; gives the client itself."},
        {"is_connected", client_is_connected, METH_NOARGS, "is_connected($self)\n--\n\nTell the local state; no I/O."},
        {"get_node_names", client_node_names, METH_NOARGS,
         "get_node_names($self)\n--\n\nNames of the nodes known now."},
        {"close", close, METH_NOARGS, "close($self)\n--\n\nClose every connection; may be called more than once."},
        AERO_EACH_OPERATION(AERO_METHOD){nullptr, nullptr, 0, nullptr}};
    static PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char*>("Base of aerospike_py.AsyncClient; each event loop has connections of its own.")},
        {Py_tp_new, reinterpret_cast<void*>(make_client)},
        {Py_tp_init, reinterpret_cast<void*>(init)},
        {Py_tp_finalize, reinterpret_cast<void*>(finalize_client)},
        {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
        {Py_tp_clear, reinterpret_cast<void*>(clear)},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_tp_methods, methods},
        {0, nullptr}};
    static PyType_Spec spec{"aerospike_py._aerospike.AsyncClient", sizeof(async_client_object), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    return new_type(module, spec);
}

}  // namespace

bool add_async_client(PyObject* module) {
    const ref type = ref::take(as_object(make_type(module)));
    return type && PyModule_AddObjectRef(module, "AsyncClient", type.get()) == 0;
}

}  // namespace aero::py
