// One client on one event loop: the connections, the descriptor the loop watches, and the calls under way.
//
// A host is made at the first call of a client on a loop. It refers to the loop weakly and keeps no loop alive; the
// loop keeps the host alive by watching its descriptor. Calls under way are owned by the host until they end.
//
//     something is readable:  drain -> deliver (collects) -> settle and wake, one by one -> flush what was submitted
//     a tick ends:            flush -> deliver -> settle and wake
//
// Threads: a host belongs to the thread of its loop. `host_shut_down` may be called elsewhere once the loop is closed
// or gone, and where a forked child throws away what it inherited.
#pragma once

#include "aero/event_client.h"
#include "calls/awaitable.h"

namespace aero::py {

// Gets to know that a host has shut down by itself, because its loop is gone. Called with an attached thread.
class host_owner {
  public:
    virtual void host_is_gone(loop_host* host) noexcept = 0;

  protected:
    ~host_owner() = default;
};

struct host_state;

struct loop_host {
    PyObject_HEAD PyObject* weakrefs;
    PyObject* loop_ref;   // weak reference to the loop
    PyObject* read_tick;  // bound to the host; the cycles are broken by shutting down
    PyObject* flush_tick;
    PyObject* timer_tick;
    PyObject* timer;     // TimerHandle, or null
    PyObject* context;   // callbacks of the host run in it
    host_state* native;  // null once shut down
    call_object* first;  // pending calls
};

inline PyObject* as_object(loop_host* host) noexcept { return reinterpret_cast<PyObject*>(host); }

// A new host on a running loop; null with an exception.
loop_host* new_host(PyObject* loop, const client& through, const event_config& how, host_owner& owner);
// Sends the call's work; its end comes through the host. REQUIRES: call->work is set and the call is pending
bool host_submits(loop_host* host, call_object* call);
void host_cancels(call_object* call) noexcept;  // the core forgets it; the reply is dropped when it comes
void host_forgets(call_object* call) noexcept;  // the host no longer owns it
void host_hears(call_object* call, call_outcome&& outcome) noexcept;

// The same loop as `loop`? Never true for a loop that is gone.
bool host_is_on(const loop_host* host, PyObject* loop) noexcept;
ref host_loop(const loop_host* host) noexcept;  // empty when it is gone
bool host_is_open(const loop_host* host) noexcept;

enum class shut_down : uint8_t {
    on_loop,     // the loop is alive, and this is its thread or it does not run
    off_loop,    // the loop is closed or gone: it is not touched
    collected,   // host, loop and callers go together: nobody is woken
    after_fork,  // inherited from the parent: nothing is sent, nothing is changed, nobody is woken
};
// Fails the calls under way and lets go of connections and loop. The owner hears nothing of it.
void host_shut_down(loop_host* host, shut_down how) noexcept;
// Shuts down in the way that fits, by the loop's own thread where that is another one.
void host_leaves(loop_host* host) noexcept;

bool add_loop_host(PyObject* module);  // false with an exception

}  // namespace aero::py
