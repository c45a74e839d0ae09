// While one of these lives, its thread and the threads it starts take no signals: those belong to the application's
// threads.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace aero::io {

class signals_blocked {
  public:
    signals_blocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~signals_blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;

  private:
    sigset_t before_;
};

}  // namespace aero::io
