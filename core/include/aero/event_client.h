// Calls for event loops: nothing here waits. A loop watches `fd()`, calls `drain` when it is readable, then `deliver`.
//
//     submit ... submit        calls are encoded; the first of a quiet tick is sent at once, the others gather
//     flush                    what the tick gathered goes out, small reads of one node merged into one message
//     drain(now)               everything readable is read and parsed, deadlines are applied
//     deliver                  completions run, one by one; they may submit and cancel
//
// One event_client belongs to one loop and one thread; several may share a client. A completion must live until it ran
// or its call was cancelled. Completions run inside `deliver` only, never inside `submit`, `flush` or `drain`.
#pragma once

#include "aero/client.h"

namespace aero {

// How a call ended. `failure` is set when it did not succeed; exactly one of the replies is meaningful otherwise.
struct call_outcome {
    std::unique_ptr<error> failure;
    record_reply record;
    batch_reply batch;
    std::vector<info_reply> info;
    std::unique_ptr<admin_reply> admin;  // apart: it would make every outcome larger
    call_times times;                    // filled when the event_client was asked for times at the submit
};

class completion {
  public:
    virtual void finished(call_outcome&& outcome) noexcept = 0;

  protected:
    ~completion() = default;
};

struct event_config {
    bool merge_calls = true;             // gather concurrent reads of one tick into batch messages
    uint32_t busy_connections_max = 32;  // per node; more calls queue
    uint32_t queued_calls_max = 16384;   // per node; beyond it calls fail with no_more_connections
    uint32_t connections_min = 0;        // per node, opened before they are needed and kept
};

class event_client {
  public:
    using ticket = uint64_t;  // names a call until it was delivered; 0 is none

    static result<std::unique_ptr<event_client>> create(const client& shared, event_config config = {});
    ~event_client();
    event_client(const event_client&) = delete;
    event_client& operator=(const event_client&) = delete;

    // Readable whenever `drain` has work. -1 in builds without epoll: watch what `watched` names instead.
    int fd() const noexcept;
    struct watch {
        int fd;
        bool read, write;
    };
    void watched(std::vector<watch>& into) const;

    // Fails on the spot only where there is no memory to know the call by: the ticket is 0 and the completion will not
    // run. Whatever else goes wrong is delivered. `with_times` asks for time marks (kernel stamps included).
    ticket submit(const record_request& request, const transport_policy& policy, completion& whom,
                  bool with_times = false);
    ticket submit(const batch_request& request, const transport_policy& policy, completion& whom,
                  bool with_times = false);
    // Hashes a password that comes without its hash, on this thread: give one.
    ticket submit(const admin_request& request, uint32_t timeout_ms, completion& whom);
    ticket submit_info(std::string_view command, client::info_target target, uint32_t timeout_ms, completion& whom);
    // The completion will not run. The reply, when it comes, is read and dropped.
    void cancel(ticket call) noexcept;

    bool needs_flush() const noexcept;  // calls are gathered and wait for `flush`
    void flush(int64_t now);
    void drain(int64_t now);
    bool has_completions() const noexcept;
    size_t deliver();  // runs what was finished when it was called; gives how many

    // Monotonic time at which `drain` must run even if nothing becomes readable; INT64_MAX when never.
    int64_t next_deadline() const noexcept;
    size_t in_flight() const noexcept;

    void set_merge_calls(bool on) noexcept;
    // Fails every call with code::client and closes the connections. Completions still have to be delivered.
    void close(int64_t now);
    void abandon_after_fork() noexcept;

  private:
    struct state;
    explicit event_client(std::unique_ptr<state> held);
    std::unique_ptr<state> state_;
};

}  // namespace aero
