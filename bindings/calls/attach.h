// Leaving the interpreter while a call waits, and coming back.
//
// Coming back after the interpreter began to end kills the thread inside CPython before 3.14, by unwinding its stack;
// our destructors must not run then, since they would touch Python objects. Such a thread stops here for ever instead,
// as newer versions do themselves.
#pragma once

#include <cxxabi.h>
#include <unistd.h>

#include "compat.h"

namespace aero::py {

inline void attach_thread(PyThreadState* saved) noexcept {
    try {
        PyEval_RestoreThread(saved);
    } catch (abi::__forced_unwind&) {
        for (;;) pause();
    }
}

class gil_detached {
  public:
    gil_detached() noexcept : saved_(PyEval_SaveThread()) {}
    ~gil_detached() { come_back(); }
    gil_detached(const gil_detached&) = delete;
    gil_detached& operator=(const gil_detached&) = delete;

    // Holds the GIL again, before the end of the scope.
    void come_back() noexcept {
        if (saved_ != nullptr) attach_thread(std::exchange(saved_, nullptr));
    }
    void leave_again() noexcept {
        if (saved_ == nullptr) saved_ = PyEval_SaveThread();
    }

  private:
    PyThreadState* saved_;
};

}  // namespace aero::py
