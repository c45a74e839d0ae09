// The public face of the loop's driver.
#include "aero/event_client.h"

#include "base/no_memory.h"
#include "client/event_state.h"

namespace aero {

using detail::loop_call;

namespace {

// The ticket that `submitted` gives; none where memory ran out before the call was known.
template <class Submit>
event_client::ticket ticket_of(Submit submitted) noexcept {
    try {
        return reinterpret_cast<event_client::ticket>(&submitted());
    } catch (const std::bad_alloc&) {
        return 0;
    }
}

}  // namespace

event_client::event_client(std::unique_ptr<state> held) : state_(std::move(held)) {}
event_client::~event_client() = default;

result<std::unique_ptr<event_client>> event_client::create(const client& shared, event_config config) {
    if (!shared.is_open()) return fail(code::client, "the client is closed: open another one");
    config.merge_calls = config.merge_calls && shared.handle()->cluster->config().merge_concurrent_reads;
    return detail::within_memory([&]() -> result<std::unique_ptr<event_client>> {
        auto made = std::make_unique<state>(shared, config);
        if (!made->begin_watch())
            return fail(code::client, "the system has no descriptors left for another event loop");
        made->keep_open(monotonic_now());
        return std::unique_ptr<event_client>(new event_client(std::move(made)));
    });
}

int event_client::fd() const noexcept { return state_->reactor.fd(); }

void event_client::watched(std::vector<watch>& into) const {
    into.clear();
    for (const io::poll_entry& one : state_->reactor.watched())
        into.push_back(
            {.fd = one.fd, .read = one.interest != io::readiness::write, .write = one.interest != io::readiness::read});
}

event_client::ticket event_client::submit(const record_request& request, const transport_policy& policy,
                                          completion& whom, bool with_times) {
    return ticket_of([&]() -> loop_call& {
        const nanos now = monotonic_now();
        std::unique_ptr<loop_call> made = state_->spare_record();
        made->as_record()->prepare(request, policy);
        return state_->admit(std::move(made), policy, whom, with_times, now);
    });
}

event_client::ticket event_client::submit(const batch_request& request, const transport_policy& policy,
                                          completion& whom, bool with_times) {
    return ticket_of([&]() -> loop_call& {
        const nanos now = monotonic_now();
        auto made = std::make_unique<loop_call>(std::in_place_type<command::batch_call>);
        made->as_batch()->prepare(request, policy, state_->core->cluster->config().split_large_batches);
        return state_->admit(std::move(made), policy, whom, with_times, now);
    });
}

event_client::ticket event_client::submit(const admin_request& request, uint32_t timeout_ms, completion& whom) {
    return ticket_of([&]() -> loop_call& {
        auto made = std::make_unique<loop_call>(std::in_place_type<command::admin_call>);
        made->as_admin()->prepare(request, timeout_ms, &state_->core->cluster->how());
        const transport_policy policy = made->machine().policy();
        return state_->admit(std::move(made), policy, whom, false, monotonic_now());
    });
}

event_client::ticket event_client::submit_info(std::string_view command, client::info_target target,
                                               uint32_t timeout_ms, completion& whom) {
    return ticket_of([&]() -> loop_call& {
        auto made = std::make_unique<loop_call>(std::in_place_type<command::info_call>);
        made->as_info()->prepare(command,
                                 target == client::info_target::every_node ? command::info_call::target::every_node
                                                                           : command::info_call::target::any_node,
                                 timeout_ms);
        const transport_policy policy = made->machine().policy();
        return state_->admit(std::move(made), policy, whom, false, monotonic_now());
    });
}

void event_client::cancel(ticket call) noexcept {
    if (call != 0) state_->cancel(*reinterpret_cast<loop_call*>(call));
}

bool event_client::needs_flush() const noexcept { return !state_->gathered.empty(); }
void event_client::flush(int64_t now) {
    state_->within_memory([&] { state_->flush(now); });
}
void event_client::drain(int64_t now) {
    state_->within_memory([&] { state_->drain(now); });
}
bool event_client::has_completions() const noexcept { return !state_->completed.empty(); }

size_t event_client::deliver() {
    state& held = *state_;
    const size_t count = held.completed.size();
    for (size_t i = 0; i < count && !held.completed.empty(); ++i) {
        loop_call& which = held.completed.pop();
        completion* whom = which.whom;
        call_outcome outcome = std::move(which.outcome);
        held.discard(which);
        if (whom != nullptr) whom->finished(std::move(outcome));
    }
    return count;
}

int64_t event_client::next_deadline() const noexcept {
    const nanos due = std::min(state_->call_timers.next_due(), state_->connection_timers.next_due());
    // What is kept open is looked after although nobody calls.
    const bool keeps = state_->config.connections_min > 0 && !state_->closed;
    return keeps ? std::min(due, state_->swept + state::sweep_every) : due;
}

size_t event_client::in_flight() const noexcept { return state_->calls.size() - state_->completed.size(); }

void event_client::set_merge_calls(bool on) noexcept { state_->config.merge_calls = on; }

void event_client::close(int64_t now) {
    state_->closed = true;
    state_->within_memory([&] { state_->end_calls("the client was closed", now); });
    state_->start_over();  // without a call left it only lets go of what they used
}

void event_client::abandon_after_fork() noexcept {
    state_->reactor.abandon();
    for (const auto& one : state_->lanes) one->abandon_after_fork();
}

}  // namespace aero
