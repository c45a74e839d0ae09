// What an event_client holds and does: admission, gathering of a tick, lanes to the nodes, deadlines, completions.
//
// Belongs to one event_client and its thread. Only `admission::granted` runs on other threads; what it touches is
// guarded by `granted_mutex`.
#pragma once

#include <deque>
#include <mutex>

#include "aero/event_client.h"
#include "client/client_shared.h"
#include "client/lane.h"
#include "client/loop_call.h"
#include "client/shared_message.h"
#include "io/wake_up.h"

namespace aero {

struct event_client::state final : detail::attempt_sink {
    static constexpr nanos sweep_every = 1'000'000'000;
    static constexpr size_t spare_calls_max = 1024;

    state(const client& of, event_config set) : core(of.handle()), config(set) {
        spare.reserve(spare_calls_max);
        refresh_view();
        core->cluster->watch(wake);
    }
    // False when the system has no descriptors left.
    bool begin_watch() {
        if (!reactor.ok() || !wake.ok()) return false;
        if (!reactor.add(wake.fd(), io::readiness::read, nullptr)) throw std::bad_alloc();
        return true;
    }
    ~state();

    // --- life of a call
    detail::loop_call& admit(std::unique_ptr<detail::loop_call> made, const transport_policy& policy, completion& whom,
                             bool with_times, nanos now);
    void enter(detail::loop_call& which, nanos now);
    void begin(detail::loop_call& which, nanos now);
    void start_alone(detail::loop_call& which, nanos now);
    void drive(detail::runner& which, nanos now);
    void fail(detail::loop_call& which, error&& why);
    void finish(detail::loop_call& which);
    void finish(detail::shared_message& which, nanos now);
    void fail_for_memory(detail::loop_call& which) noexcept;
    void start_over() noexcept;
    void end_calls(const std::string& why, nanos now);
    void discard(detail::loop_call& which) noexcept;
    void cancel(detail::loop_call& which) noexcept;

    // One step of a machine; without memory for it the call is starved, and ends.
    template <class Step>
    static void step(detail::runner& which, Step taken) noexcept {
        try {
            taken(which.machine());
        } catch (const std::bad_alloc&) {
            which.machine().out_of_memory();
        }
    }
    // Several steps, of whomever; without memory for them everything starts over.
    template <class Steps>
    void within_memory(Steps taken) noexcept {
        try {
            taken();
        } catch (const std::bad_alloc&) {
            start_over();
        }
    }

    // --- events
    void attempt_ended(std::unique_ptr<command::attempt> ended, nanos) override { ended_.push_back(std::move(ended)); }
    void process_ended(nanos now);
    void alarm(detail::runner& which, nanos now);
    void release(command::call& of, nanos now);
    void note_parking(detail::runner& which);
    void wake_waiting(nanos now);
    void drain(nanos now);
    bool read_lone(nanos now);
    void read_ready(nanos now);
    // A loop that rests is not told of changes, so calls look for themselves: one version number each.
    void follow_cluster() {
        if (core->cluster->version() != view_version) refresh_view();
    }
    void refresh_view();
    void sweep(nanos now);
    void keep_open(nanos now);

    // --- gathering
    void flush(nanos now);
    void flush_gets(std::vector<detail::loop_call*>& gets, nanos now);
    void flush_batches(std::vector<detail::loop_call*>& batches, nanos now);
    void start_shared(std::unique_ptr<detail::shared_message> ready, nanos now);
    void end_tick() noexcept;

    detail::lane& lane_to(const cluster::node* target);
    std::unique_ptr<detail::loop_call> spare_record();

    // --- limiter
    struct admission final : command::limiter::waiter {
        admission(state& home, detail::loop_call& call) : of(home), who(&call) {}
        void granted() noexcept override;
        state& of;
        detail::loop_call* who;
    };
    admission* next_granted() noexcept;
    void take_granted(nanos now);
    void leave_queue(detail::loop_call& which) noexcept;

    std::shared_ptr<client::shared> core;
    event_config config;
    cluster::view_ptr view;
    uint64_t view_version = 0;
    uint64_t kept_version = 0;  // the last that calls were woken by and connections kept open to
    io::reactor reactor;
    io::wake_up wake;
    timer_wheel call_timers;
    timer_wheel connection_timers;
    std::vector<std::unique_ptr<detail::lane>> lanes;
    std::vector<std::unique_ptr<detail::loop_call>> calls;
    std::vector<std::unique_ptr<detail::loop_call>> spare;
    std::vector<std::unique_ptr<detail::shared_message>> messages;
    std::vector<detail::loop_call*> gathered;
    detail::ended_calls completed;
    std::deque<std::unique_ptr<command::attempt>> ended_;
    std::vector<std::unique_ptr<admission>> waiting;  // for a slot, in order
    std::mutex granted_mutex;
    std::vector<admission*> granted;  // guarded by granted_mutex; has room for all that wait
    nanos swept = monotonic_now();
    uint32_t tick_gets = 0;  // calls for one record since the last tick ended, and for many
    uint32_t tick_batches = 0;
    uint8_t busy_ticks = 0;  // one bit a tick: enough calls to share a message
    uint8_t lone_reads = 0;  // in a row, without asking the reactor
    bool closed = false;
};

}  // namespace aero
