// The states of a client, and the handle its calls run on. One object per Python client, shared by both faces.
//
//     disconnected --connect--> connecting --opened--> connected --close--> closing --> disconnected
//          ^                        | failed                                               |
//          `------------------------'<-----------------------------------------------------'
//
// Threads: every function may be called from any thread that is attached to the interpreter; the state is atomic, so of
// several connects one wins. The handle is copied out under a lock and stays usable while another thread closes.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "aero/client.h"
#include "convert/policy.h"

namespace aero::py {

// How often this process is a forked child of the one that loaded us; a client of an older generation must reconnect.
unsigned fork_generation() noexcept;

enum class life_state : uint8_t { disconnected, connecting, connected, closing };

class life_cycle {
  public:
    parsed_config config;

    life_cycle();
    ~life_cycle();
    life_cycle(const life_cycle&) = delete;
    life_cycle& operator=(const life_cycle&) = delete;

    life_state now() const noexcept { return state_.load(std::memory_order_acquire); }
    bool is_connected() const noexcept { return now() == life_state::connected; }

    // disconnected -> connecting, with hosts and credentials checked. False with an exception in any other state.
    bool begin_connect(PyObject* user, PyObject* password);
    // The blocking part, without the GIL. REQUIRES: connecting
    static result<client> open(const client_config& config, interrupt_hook* interrupt);
    // connecting -> connected or disconnected. On failure raises the error.
    bool end_connect(result<client>&& opened);
    // connecting -> disconnected: nobody wants the connection any more. An exception that is set stays.
    void drop_connect(result<client>&& opened) noexcept;

    // connected -> closing: the handle to be closed; nothing when there is nothing to close. False with an exception
    // while a connect is in flight.
    bool begin_close(std::optional<client>& to_close);
    void end_close() noexcept;
    // The same for an object that is going away: never raises.
    void abandon() noexcept;

    // The handle for one call. Nothing, with a ClientError, when not connected. In a forked child it connects anew
    // first.
    std::optional<client> handle();
    unsigned generation() const noexcept { return generation_.load(std::memory_order_relaxed); }

  private:
    std::optional<client> reconnect_after_fork();
    void take_handle(std::optional<client>& to) noexcept;

    std::atomic<life_state> state_{life_state::disconnected};
    std::atomic<unsigned> generation_{0};
    std::mutex mutex_;  // guards client_; nothing of Python runs while it is held
    std::optional<client> client_;

    // Every life cycle, for the interpreter's exit.
    friend void close_all_clients() noexcept;
    friend struct fork_handler;
    life_cycle* next_ = nullptr;
    life_cycle* previous_ = nullptr;
};

// At interpreter exit: closes what is still open, so that no native thread outlives the interpreter.
void close_all_clients() noexcept;

bool init_life_cycle();  // fork handler; false with an exception

}  // namespace aero::py
