#include "client/event_state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "base/no_memory.h"
#include "base/planted.h"
#include "metrics/counters.h"

namespace aero {

using detail::lane;
using detail::loop_call;
using detail::loop_connection;
using detail::runner;
using detail::shared_message;

namespace {

constexpr size_t events_at_once = 128;
// A call that comes alone waits for the end of its tick when so many of the last ticks had enough calls to share a
// message. With fewer it would wait for company that does not come (docs/decisions/0008).
constexpr unsigned last_ticks = 0x0F;
constexpr int busy_ticks_min = 3;

}  // namespace

event_client::state::~state() {
    core->cluster->unwatch(wake);
    for (const auto& one : waiting) core->limiter.withdraw(*one);
    for (const auto& one : calls)
        if (one->holds_slot) core->limiter.leave();
    ended_.clear();
    messages.clear();
    calls.clear();
    lanes.clear();
}

// ---------------------------------------------------------------- life of a call

std::unique_ptr<loop_call> event_client::state::spare_record() {
    if (spare.empty()) return std::make_unique<loop_call>(std::in_place_type<command::record_call>);
    std::unique_ptr<loop_call> taken = std::move(spare.back());
    spare.pop_back();
    return taken;
}

loop_call& event_client::state::admit(std::unique_ptr<loop_call> made, const transport_policy& policy, completion& whom,
                                      bool with_times, nanos now) {
    loop_call& here = *made;
    here.whom = &whom;
    here.with_times = with_times;
    here.deadline = detail::deadline_of(policy, now);
    here.place = calls.size();
    calls.push_back(std::move(made));
    follow_cluster();
    within_memory([&] {
        if (closed || core->cluster->closed()) {
            fail(here, error{.what = code::client, .text = "the client is closed: open another one"});
        } else if (core->limiter.limited()) {
            enter(here, now);
        } else {
            here.admitted = now;
            begin(here, now);
        }
        process_ended(now);
    });
    return here;
}

void event_client::state::enter(loop_call& which, nanos now) {
    auto me = std::make_unique<admission>(*this, which);
    detail::make_room_for_one(waiting);
    {
        const std::lock_guard lock(granted_mutex);
        granted.reserve(waiting.capacity());
    }
    switch (core->limiter.enter(*me)) {
        case command::limiter::admission::granted:
            which.holds_slot = true;
            which.admitted = now;
            begin(which, now);
            return;
        case command::limiter::admission::refused:
            fail(which, detail::limiter_refused(core->cluster->config(), true));
            return;
        case command::limiter::admission::queued:
            which.at = loop_call::phase::admission;
            waiting.push_back(std::move(me));
            call_timers.arm(which.alarm, detail::limiter_wait_ends(core->cluster->config(), which.deadline, now));
            return;
    }
}

void event_client::state::begin(loop_call& which, nanos now) {
    const command::batch_call* batch = which.as_batch();
    const command::record_call* record = which.as_record();
    const bool gathers =
        config.merge_calls && (batch != nullptr ? batch->mergeable() : record != nullptr && record->mergeable());
    const bool company =
        batch != nullptr ? tick_batches++ + 1 >= detail::merge_batches_min : tick_gets++ + 1 >= detail::merge_gets_min;
    if (!gathers || (!company && std::popcount(busy_ticks & last_ticks) < busy_ticks_min)) {
        start_alone(which, now);
        return;
    }
    which.at = loop_call::phase::gathered;
    gathered.push_back(&which);
    call_timers.arm(which.alarm, which.deadline);
}

void event_client::state::start_alone(loop_call& which, nanos now) {
    command::call& machine = which.machine();
    which.at = loop_call::phase::running;
    which.message = nullptr;
    machine.set_deadline(which.deadline);
    machine.set_admitted(which.admitted);
    if (which.with_times) machine.want_stamps();
    step(which, [&](command::call& it) { it.start(view, now); });
    drive(which, now);
}

// After every step of a machine: what it let go, what it wants launched, when to look again, whether it is done. In
// this order: a lane that is given something to do buries what it finds let go.
void event_client::state::drive(runner& which, nanos now) {
    command::call& machine = which.machine();
    release(machine, now);
    while (std::unique_ptr<command::attempt> ready = machine.next_launch()) {
        const cluster::node* target = ready->target();
        lane_to(target).run(std::move(ready), now);
    }
    if (machine.wants_tend()) core->cluster->tend_soon();
    if (machine.parked() != which.parked.has_value()) note_parking(which);
    if (!machine.done()) {
        if (which.alarm.due() != machine.wakeup_at()) call_timers.arm(which.alarm, machine.wakeup_at());
        return;
    }
    which.alarm.disarm();
    if (which.shared)
        finish(static_cast<shared_message&>(which), now);
    else
        finish(static_cast<loop_call&>(which));
}

void event_client::state::note_parking(runner& which) {
    if (which.parked)
        which.parked.reset();
    else
        which.parked.emplace(*core->cluster);
}

// A new view: calls that a better node may help go on by it.
void event_client::state::wake_waiting(nanos now) {
    std::vector<runner*> waiting_for_it;
    for (const auto& one : calls)
        if (one->at == loop_call::phase::running && one->machine().waits_for_view())
            waiting_for_it.push_back(one.get());
    for (const auto& one : messages)
        if (one->machine().waits_for_view()) waiting_for_it.push_back(one.get());
    for (runner* which : waiting_for_it) {
        step(*which, [&](command::call& it) { it.wake(view, now); });
        drive(*which, now);
    }
}

void event_client::state::release(command::call& of, nanos now) {
    while (command::attempt* left = of.next_released())
        if (auto* on = static_cast<loop_connection*>(left->carrier)) on->home.let_go(*on, now);
}

void event_client::state::fail(loop_call& which, error&& why) {
    which.outcome.failure = std::make_unique<error>(std::move(why));
    which.alarm.disarm();
    which.at = loop_call::phase::ended;
    finish(which);
}

// The result is in the machine (running) or in the outcome already; the completion runs at `deliver`.
void event_client::state::finish(loop_call& which) {
    if (which.holds_slot) {
        which.holds_slot = false;
        core->limiter.leave();
    }
    if (which.at == loop_call::phase::running) {
        command::call& machine = which.machine();
        which.outcome.times = machine.times();
        which.outcome.failure = machine.take_failure();
        if (machine.starved()) return fail_for_memory(which);
        if (which.outcome.failure == nullptr) {
            if (command::record_call* record = which.as_record())
                which.outcome.record = record->take_reply();
            else if (command::batch_call* batch = which.as_batch())
                which.outcome.batch = batch->take_reply();
            else if (command::info_call* info = which.as_info())
                which.outcome.info = info->take_replies();
            else
                which.outcome.admin = std::make_unique<admin_reply>(which.as_admin()->take_reply());
        }
    }
    which.at = loop_call::phase::ended;
    if (which.whom != nullptr)
        completed.push(which);
    else
        discard(which);
}

void event_client::state::fail_for_memory(loop_call& which) noexcept {
    const command::call& machine = which.machine();
    if (which.holds_slot) core->limiter.leave();
    which.holds_slot = false;
    which.alarm.disarm();
    which.parked.reset();
    *which.reserve = detail::no_memory(machine.may_have_written(), static_cast<uint16_t>(machine.times().attempts));
    which.outcome.failure = std::move(which.reserve);
    which.at = loop_call::phase::ended;
    if (which.whom != nullptr)
        completed.push(which);
    else
        discard(which);
}

void event_client::state::end_calls(const std::string& why, nanos now) {
    for (size_t i = calls.size(); i-- > 0;) {
        loop_call& which = *calls[i];
        if (which.at == loop_call::phase::ended) continue;
        if (which.at == loop_call::phase::admission) leave_queue(which);
        if (which.at == loop_call::phase::member) which.message->remove(which);
        if (which.at != loop_call::phase::running) {
            fail(which, error{.what = code::client, .text = why});
            continue;
        }
        // A batch of writes still says row by row what became of it.
        step(which, [&](command::call& it) { it.abandon(code::client, why, now); });
        drive(which, now);
    }
}

// Memory ran out between the steps of machines, so nothing that the lanes hold is sure: every call under way ends, the
// connections are closed, and the event client goes on as if it were new.
void event_client::state::start_over() noexcept {
    for (const auto& one : messages) one->machine().out_of_memory();
    for (size_t i = calls.size(); i-- > 0;) {
        loop_call& which = *calls[i];
        if (which.at == loop_call::phase::ended) continue;
        if (which.at == loop_call::phase::admission) leave_queue(which);
        which.machine().out_of_memory();
        fail_for_memory(which);
    }
    gathered.clear();
    ended_.clear();
    messages.clear();
    lanes.clear();
}

void event_client::state::finish(shared_message& which, nanos now) {
    const error* const why = which.call().failure();
    const bool failed = why != nullptr || which.call().starved();
    // A server without compression: what was large enough for it together may go as it is alone.
    const bool uncompressible = why != nullptr && why->what == code::enterprise_only;
    const call_times times = which.call().times();
    const batch_reply whole = which.call().take_reply();
    const std::vector<shared_message::member> members(which.members().begin(), which.members().end());
    const auto self = std::ranges::find_if(messages, [&](const auto& one) { return one.get() == &which; });
    const std::unique_ptr<shared_message> ending = std::move(*self);
    *self = std::move(messages.back());
    messages.pop_back();
    for (const shared_message::member& to : members) {
        if (to.who == nullptr) continue;
        to.who->alarm.disarm();
        if ((failed && to.rows == 0) || uncompressible || !ending->share_out(to, whole)) {
            metrics::count(metrics::event::call_unmerged);
            to.who->machine().set_paid();
            start_alone(*to.who, now);  // the message as a whole failed it, not its own request
            continue;
        }
        to.who->outcome.times = times;
        to.who->outcome.times.admitted = to.who->admitted;
        to.who->at = loop_call::phase::ended;
        finish(*to.who);
    }
}

void event_client::state::discard(loop_call& which) noexcept {
    const size_t place = which.place;
    assert(calls[place].get() == &which);
    std::unique_ptr<loop_call> gone = std::move(calls[place]);
    if (place + 1 != calls.size()) {
        calls[place] = std::move(calls.back());
        calls[place]->place = place;
    }
    calls.pop_back();
    if (gone->as_record() == nullptr || gone->reserve == nullptr || spare.size() >= spare_calls_max) return;
    gone->at = loop_call::phase::gathered;
    gone->alarm.disarm();
    gone->outcome = {};
    gone->message = nullptr;
    gone->parked.reset();
    gone->whom = nullptr;
    spare.push_back(std::move(gone));
}

void event_client::state::cancel(loop_call& which) noexcept {
    if (planted(planted_bug::completion_repeated) && which.at == loop_call::phase::ended) return;
    which.whom = nullptr;
    const nanos now = monotonic_now();
    const bool runs = which.at == loop_call::phase::running;  // its machine counts itself
    if (!runs && which.at != loop_call::phase::ended) metrics::count(metrics::event::call_cancelled);
    switch (which.at) {
        case loop_call::phase::ended: return;  // stands among the completed; passed over there
        case loop_call::phase::admission: leave_queue(which); break;
        case loop_call::phase::gathered: std::erase(gathered, &which); break;
        case loop_call::phase::member: which.message->remove(which); break;
        case loop_call::phase::running:
            step(which, [&](command::call& it) { it.abandon(code::cancelled, "cancelled", now); });
            release(which.machine(), now);
            break;
    }
    if (which.holds_slot) core->limiter.leave();
    which.holds_slot = false;
    which.alarm.disarm();
    discard(which);
}

// ---------------------------------------------------------------- limiter

void event_client::state::admission::granted() noexcept {
    const std::lock_guard lock(of.granted_mutex);
    of.granted.push_back(this);
    of.wake.signal();
}

event_client::state::admission* event_client::state::next_granted() noexcept {
    const std::lock_guard lock(granted_mutex);
    if (granted.empty()) return nullptr;
    admission* first = granted.front();
    granted.erase(granted.begin());
    return first;
}

void event_client::state::take_granted(nanos now) {
    while (admission* one = next_granted()) {
        loop_call& which = *one->who;
        std::erase_if(waiting, [&](const auto& held) { return held.get() == one; });
        which.alarm.disarm();
        which.holds_slot = true;
        which.admitted = now;
        begin(which, now);
    }
}

// A call that no longer waits for its slot; one granted in the meantime is passed on.
void event_client::state::leave_queue(loop_call& which) noexcept {
    const auto at = std::ranges::find_if(waiting, [&](const auto& one) { return one->who == &which; });
    if (at == waiting.end()) return;
    if (!core->limiter.withdraw(**at)) {
        {
            const std::lock_guard lock(granted_mutex);
            std::erase(granted, at->get());
        }
        core->limiter.leave();
    }
    waiting.erase(at);
}

// ---------------------------------------------------------------- events

void event_client::state::process_ended(nanos now) {
    while (!ended_.empty()) {
        std::unique_ptr<command::attempt> one = std::move(ended_.front());
        ended_.pop_front();
        if (one->owner() == nullptr) continue;
        runner& which = *static_cast<runner*>(one->owner()->host);
        step(which, [&](command::call& it) { it.finished(std::move(one), view, now); });
        drive(which, now);
    }
}

void event_client::state::alarm(runner& which, nanos now) {
    if (!which.shared) {
        loop_call& call = static_cast<loop_call&>(which);
        if (call.at != loop_call::phase::running) {
            const bool queued = call.at == loop_call::phase::admission;
            if (queued) leave_queue(call);
            if (call.at == loop_call::phase::gathered) std::erase(gathered, &call);
            if (call.at == loop_call::phase::member) call.message->remove(call);
            if (queued && now < call.deadline) {
                fail(call, detail::limiter_refused(core->cluster->config(), false));
                return;
            }
            const bool sent = call.at == loop_call::phase::member;
            metrics::count(metrics::event::deadline_passed);
            fail(call, error{.what = code::deadline,
                             .where = queued ? stage::limiter_wait
                                      : sent ? stage::io
                                             : stage::tokio_schedule_delay,
                             .text = "no answer within the total timeout of " +
                                     std::to_string(call.machine().policy().total_timeout_ms) + " ms"});
            return;
        }
    }
    step(which, [&](command::call& it) { it.wake(view, now); });
    drive(which, now);
}

void event_client::state::drain(nanos now) {
    follow_cluster();
    if (std::exchange(kept_version, view_version) != view_version) {
        wake_waiting(now);
        keep_open(now);
    }
    end_tick();
    if (!read_lone(now)) read_ready(now);
    call_timers.advance(now, [&](void* owner) { alarm(*static_cast<runner*>(owner), now); });
    connection_timers.advance(now, [&](void* owner) {
        auto& on = *static_cast<loop_connection*>(owner);
        on.home.drain_expired(on, now);
    });
    process_ended(now);
    if (now - swept >= sweep_every) sweep(now);
    for (const auto& one : lanes) one->bury();
}

// With one request under way, what woke the loop is nearly always its answer: reading it at once saves asking the
// reactor who it was. The reactor is asked now and then all the same, so that nobody else waits for ever.
bool event_client::state::read_lone(nanos now) {
    constexpr uint8_t in_a_row_max = 16;
    loop_connection* only = nullptr;
    for (const auto& one : lanes) {
        if (one->busy() == 0) continue;
        if (only != nullptr) return false;
        only = one->only_reading();
        if (only == nullptr) return false;
    }
    if (only == nullptr || ++lone_reads > in_a_row_max || !only->home.read(*only, now)) {
        lone_reads = 0;
        return false;
    }
    process_ended(now);
    return true;
}

void event_client::state::read_ready(nanos now) {
    std::array<io::ready_event, events_at_once> events;
    size_t count;
    do {
        count = reactor.wait(events, 0);
        for (size_t i = 0; i < count; ++i) {
            if (events[i].tag == nullptr) {
                wake.clear();
                take_granted(now);
                continue;
            }
            auto& on = *static_cast<loop_connection*>(events[i].tag);
            on.home.ready(on, events[i].readable, events[i].writable, now);
        }
        process_ended(now);
    } while (count == events.size());
}

void event_client::state::refresh_view() {
    view_version = core->cluster->version();
    view = core->cluster->current();
    swept = 0;  // connections to nodes that have left end with this turn
}

void event_client::state::sweep(nanos now) {
    swept = now;
    for (const auto& one : lanes) one->close_idle(now);
    std::erase_if(lanes, [](const auto& one) { return one->retired(); });
    keep_open(now);
}

void event_client::state::keep_open(nanos now) {
    if (config.connections_min == 0) return;
    for (const auto& one : view->nodes)
        if (one->active()) lane_to(one.get()).keep_open(now);
}

lane& event_client::state::lane_to(const cluster::node* target) {
    for (const auto& one : lanes)
        if (one->node() == target) return *one;
    std::shared_ptr<cluster::node> held;
    for (const auto& one : view->nodes)
        if (one.get() == target) held = one;
    assert(held != nullptr);
    const client_config& set = core->cluster->config();
    lanes.push_back(
        std::make_unique<lane>(std::move(held), reactor, connection_timers, *this,
                               lane::limits{.kept = std::min(config.connections_min, config.busy_connections_max),
                                            .busy_max = config.busy_connections_max,
                                            .queued_max = config.queued_calls_max,
                                            .adapts = set.adaptive_concurrency,
                                            .connections_max = set.connections_per_node_max,
                                            .idle_max = from_ms(int64_t{set.idle_timeout_s} * 1000),
                                            .connect_max = from_ms(set.connect_timeout_ms)}));
    return *lanes.back();
}

}  // namespace aero
