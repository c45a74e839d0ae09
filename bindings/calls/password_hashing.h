// A password on its way to the form in which it travels, which takes some 50 ms by design: a synchronous call does it
// on its own thread, an event loop has a thread of its default executor do it.
#pragma once

#include <memory>

#include "aero/secret.h"

namespace aero::py {

struct call_object;

// Shared by an operation and the thread that works for it, which may outlive it. What it holds is wiped when the last
// of them lets go.
struct password_hashing {
    explicit password_hashing(std::string_view password) : clear(password) {}
    void run();  // no thread state needed; throws std::bad_alloc

    const secret clear;
    secret hash;  // empty until `run` is done
};

// Runs `work` elsewhere, then `then(call)` on the loop, unless the call was cancelled meanwhile; what goes wrong ends
// the call. False with an exception when it cannot be begun. REQUIRES: the call is pending on the loop of this thread
bool hash_elsewhere(call_object* call, std::shared_ptr<password_hashing> work, bool (*then)(call_object*));

}  // namespace aero::py
