#include "calls/password_hashing.h"

#include "calls/attach.h"
#include "calls/awaitable.h"
#include "errors.h"
#include "wire/password_hash.h"

namespace aero::py {
namespace {

// What the thread and the loop are given.
struct errand {
    static constexpr const char* name = "aerospike_py password";

    ref call;
    std::shared_ptr<password_hashing> work;
    bool (*then)(call_object*);

    static errand& of(PyObject* capsule) noexcept { return *static_cast<errand*>(PyCapsule_GetPointer(capsule, name)); }
    static PyObject* wrap(call_object* call, std::shared_ptr<password_hashing> work, bool (*then)(call_object*)) {
        auto made = guarded([&] { return std::make_unique<errand>(); });
        if (made == nullptr) return nullptr;
        made->call = ref::share(as_object(call));
        made->work = std::move(work);
        made->then = then;
        PyObject* capsule = PyCapsule_New(made.get(), name, [](PyObject* self) { delete &of(self); });
        if (capsule != nullptr) made.release();
        return capsule;
    }
};

PyObject* run_on_thread(PyObject* self, PyObject*) {
    password_hashing& work = *errand::of(self).work;
    bool out_of_memory = false;
    {
        const gil_detached detached;
        try {
            work.run();
        } catch (const std::bad_alloc&) {
            out_of_memory = true;
        }
    }
    if (out_of_memory) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

// On the loop again: a callback of the future that the executor gave.
PyObject* hashed(PyObject* self, PyObject* future) {
    errand& done = errand::of(self);
    const ref kept = std::exchange(done.call, {});
    call_object* const call = as_call(kept.get());
    const ref outcome = ref::take(PyObject_CallMethod(future, "result", nullptr));
    if (call->state != call_state::pending) {
        PyErr_Clear();  // nobody waits any more
        Py_RETURN_NONE;
    }
    if (!outcome || !guarded([&] { return done.then(call); }, false)) finish_call(call, nullptr, wake_mode::soon);
    Py_RETURN_NONE;
}

}  // namespace

void password_hashing::run() { hash = wire::password_hash(clear.view()); }

bool hash_elsewhere(call_object* call, std::shared_ptr<password_hashing> work, bool (*then)(call_object*)) {
    static PyMethodDef on_thread{"hash_password", run_on_thread, METH_NOARGS, nullptr};
    static PyMethodDef on_loop{"password_hashed", hashed, METH_O, nullptr};
    const ref capsule = ref::take(errand::wrap(call, std::move(work), then));
    const ref function = capsule ? ref::take(PyCFunction_New(&on_thread, capsule.get())) : ref();
    const ref callback = function ? ref::take(PyCFunction_New(&on_loop, capsule.get())) : ref();
    if (!callback) return false;
    const ref future = ref::take(PyObject_CallMethod(call->loop, "run_in_executor", "OO", Py_None, function.get()));
    return future && ref::take(PyObject_CallMethod(future.get(), "add_done_callback", "O", callback.get()));
}

}  // namespace aero::py
