// The type `Call`: what a method of AsyncClient returns. A future and a coroutine at once.
//
// As a future it can be handed to gather, shield, wait_for and as_completed without a task around it; as a coroutine it
// can be made a task, run by asyncio.run, and started late: a call made without a running loop keeps its arguments and
// starts at its first `send`.
//
//     waiting ----start----> pending ----finish----> finished
//        `------cancel---------'-------cancel-----> cancelled
//
// Threads: a call belongs to the loop it was started on and is touched by that loop's thread only. While it is pending
// the loop host holds a reference to it.
#pragma once

#include <memory>

#include "aero/event_client.h"
#include "calls/operation.h"
#include "calls/stages.h"

namespace aero::py {

struct async_method;
struct loop_host;
struct call_object;

enum class call_state : uint8_t { waiting, pending, finished, cancelled };

// Brings the end of a call from the core to the host of its loop.
class call_completion final : public completion {
  public:
    explicit call_completion(call_object* owner) noexcept : owner_(owner) {}
    void finished(call_outcome&& outcome) noexcept override;

  private:
    call_object* owner_;
};

// What a call that waits for its first `send` holds on to.
struct kept_arguments {
    argument_slots slots{};  // owned
};

struct call_object {
    PyObject_HEAD PyObject* weakrefs;
    const async_method* method;
    PyObject* client;    // the AsyncClient
    PyObject* loop;      // null while waiting
    loop_host* host;     // owned; null unless pending on a host
    PyObject* value;     // finished: the result or the exception
    PyObject* callback;  // the first callback and its context; nearly always the only one
    PyObject* context;
    PyObject* more_callbacks;  // list of (callback, context)
    PyObject* cancel_message;
    PyObject* timings;     // of a profiled call (results/timings.h)
    kept_arguments* kept;  // owned; only while waiting
    operation* work;       // owned; until the result is made
    stage_marks* marks;    // owned; while a profiled call is not over
    int64_t began;         // for the operation histogram; 0: not measured
    event_client::ticket ticket;
    call_object* next;  // of the calls pending on one host
    call_object* previous;
    call_completion completion;
    call_state state;
    bool failed;     // value is an exception
    bool blocking;   // _asyncio_future_blocking
    bool retrieved;  // somebody has seen the exception
    bool awaited;    // a coroutine waits in `send`, and comes back through it
};

inline call_object* as_call(PyObject* self) noexcept { return reinterpret_cast<call_object*>(self); }
inline PyObject* as_object(call_object* call) noexcept { return reinterpret_cast<PyObject*>(call); }

// How a client's method turns into a call: `start` parses, checks and sends. Whatever goes wrong in it ends the call.
struct async_method {
    const parameters* arguments;
    const char* text;
    void (*start)(call_object* call, const argument_slots& slots);
    const char* name() const noexcept { return arguments->describes().method; }
};

// A call in state waiting, not started; a new reference or null.
call_object* new_call(PyObject* client, const async_method& method);

// Where callbacks run when a call ends.
enum class wake_mode : uint8_t {
    soon,      // by loop.call_soon; always right
    directly,  // here and now, each in its own context; only from a callback of the loop with nothing of Python above
               // it
};

// pending -> finished, with a result or with the exception that is set. Wakes who waits.
void finish_call(call_object* call, PyObject* result_or_null, wake_mode mode);
// pending -> finished with what the core reported; makes the result object.
void settle_call(call_object* call, call_outcome&& outcome, wake_mode mode);
// waiting -> pending: starts on the loop that runs on this thread. False with an exception when none does.
bool start_call(call_object* call);
// -> cancelled. False when it was over already. `message` may be null.
bool cancel_call(call_object* call, PyObject* message);
// Somebody takes the result up: the last mark of a profiled call.
void resume_call(call_object* call) noexcept;
// Calls back who was added too late, or keeps the callback. REQUIRES: context is not null
bool add_callback(call_object* call, PyObject* callback, PyObject* context);
// An error that direct waking may not swallow (KeyboardInterrupt, SystemExit), kept until the loop callback ends.
bool raise_kept_interrupt();

bool add_call(PyObject* module);  // false with an exception

}  // namespace aero::py
