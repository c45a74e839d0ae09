#include "command/call.h"

#include <algorithm>
#include <cassert>

#include "base/chance.h"
#include "base/planted.h"
#include "metrics/counters.h"

namespace aero::command {

namespace {

// Pauses after attempts that could not send: nothing is lost by asking again soon, but a refusing node must not be
// hammered.
constexpr nanos unsent_pause_first = 5'000'000;
constexpr nanos unsent_pause_max = 100'000'000;

// Pauses after attempts that were sent, where the policy names none. They are drawn evenly below a bound that doubles.
constexpr nanos retry_pause_first = 2'000'000;
constexpr nanos retry_pause_max = 200'000'000;

// How long a reply that nobody waits for may keep its connection when its call had no deadline.
constexpr nanos drain_without_deadline = 30'000'000'000;

bool worth_retrying(code what) noexcept {
    switch (what) {
        case code::timeout:
        case code::partition_unavailable:
        case code::device_overload:
        case code::connection:
        case code::tls:
        case code::cluster:
        case code::deadline:
        case code::bad_reply:
        case code::no_more_connections:
        case code::not_authenticated:
        case code::expired_session: return true;
        default: return false;
    }
}

// A write that was sent is in doubt unless the server itself said that it did not happen.
bool leaves_doubt(code what) noexcept { return static_cast<int>(what) < 0 || what == code::timeout; }

// A failed attempt tells something of its node, and not of our own limits.
bool blames_node(code what) noexcept {
    return what == code::connection || what == code::tls || what == code::bad_reply;
}

nanos unsent_pause(unsigned in_a_row, bool moves) noexcept {
    if (in_a_row <= 1 && moves) return 0;  // another replica may be there at once
    in_a_row = std::max(in_a_row, 2u);
    return std::min(unsent_pause_first << std::min(in_a_row - 2, 8u), unsent_pause_max);
}

// `at_once`: the first one needs no pause, for nobody who is asked now has shown any trouble.
nanos retry_pause(nanos first, unsigned tried, bool at_once) noexcept {
    if (first == 0) {
        if (tried <= 1 && at_once) return 0;
        first = retry_pause_first;
    }
    return jitter(std::min(first << std::min(tried - 1, 10u), std::max(first, retry_pause_max)));
}

}  // namespace

call::~call() {
    for (attempt* one : in_flight_) one->release_owner(deadline_);
    in_flight_.clear();
    launches_.clear();  // they tell the call
}

void call::reset(const transport_policy& policy, bool is_write) noexcept {
    assert(in_flight_.empty() && launches_.empty());
    policy_ = policy;
    is_write_ = is_write;
    done_ = wants_tend_ = wants_stamps_ = hedged_ = paid_ = starved_ = false;
    parked_ = 0;
    deadline_ = 0;
    wakeup_at_ = hedge_at_ = never;
    pause_began_ = 0;
    waiting_.clear();
    released_ = nullptr;
    last_trouble_.clear();
    last_node_.clear();
    failure_.reset();
    times_ = {};
}

void call::refuse(std::string why) {
    failure_ = std::make_unique<error>(error{.what = code::invalid_argument, .text = std::move(why)});
}

void call::start(const cluster::view_ptr& seen, nanos now) {
    assert(!done_);
    if (refused()) {
        done_ = true;
        return;
    }
    if (deadline_ == 0) deadline_ = policy_.total_timeout_ms == 0 ? never : now + from_ms(policy_.total_timeout_ms);
    waiting_.emplace_back();
    plan_due(seen, now);
    settle(now);
}

std::unique_ptr<attempt> call::next_launch() {
    if (launches_.empty()) return nullptr;
    in_flight_.push_back(launches_.back().get());
    std::unique_ptr<attempt> ready = std::move(launches_.back());
    launches_.pop_back();
    ++times_.attempts;
    return ready;
}

void call::launch(std::unique_ptr<attempt> ready, const part& of, nanos now, unsigned owners) {
    static_cast<standing&>(*ready) = of;
    ready->wants_stamps = wants_stamps_;
    if (policy_.compress) ready->compress();
    nanos limit = deadline_;
    if (policy_.socket_timeout_ms != 0) limit = std::min(limit, now + from_ms(policy_.socket_timeout_ms));
    // A read shares its time among the tries it has left, and the first has a third at most, so that a silent node
    // leaves time for a replica.
    const bool shares = replica_choice() != replica_policy::master && deadline_ != never;
    if (shares && of.tried < policy_.max_retries) {
        const uint32_t tries = policy_.max_retries - of.tried + 1;
        const nanos turn = now + (deadline_ - now) / (of.tried == 0 ? std::max(tries, 3u) : tries);
        if (owners > 1) limit = std::min(limit, turn);
        if (owners == 1) ready->turn_over = turn;
    }
    ready->deadline = limit;
    const nanos last_use = deadline_ == never ? now + drain_without_deadline : deadline_;
    ready->drain_until = last_use + from_ms(policy_.timeout_delay_ms);
    launches_.push_back(std::move(ready));
}

void call::finished(std::unique_ptr<attempt> ended, const cluster::view_ptr& seen, nanos now) {
    if (ended->owner() != this) return;  // let go before
    forget(ended.get());
    ended->come_back();
    take_notes(*ended);
    if (ended->starved()) throw std::bad_alloc();
    part which = part_of(*ended);
    const size_t sent = ended->sent();
    if (sent == 0) metrics::count(metrics::event::attempt_unsent);
    if (const std::unique_ptr<error> broken = ended->take_failure()) {
        wants_tend_ = true;
        if (blames_node(broken->what)) ended->target()->health.failed(false, now);
        if (salvage(*ended, which)) retry_or_give_up(std::move(which), std::move(*broken), sent, *seen, now);
    } else {
        ended->target()->health.answered();
        error why;
        if (ended->session_over()) wants_tend_ = true;
        if (!accept(*ended, which, why)) retry_or_give_up(std::move(which), std::move(why), sent, *seen, now);
    }
    if (hedged_) let_go_of_outrun();
    plan_due(seen, now);
    settle(now);
    if (done_ && hedge_at_ != never && !failure_) hedging_of(*seen).observe(now < hedge_at_);
}

void call::wake(const cluster::view_ptr& seen, nanos now) {
    if (done_) return;
    if (now >= deadline_) {
        metrics::count(metrics::event::deadline_passed);
        end_all(code::deadline,
                "no answer within the total timeout of " + std::to_string(policy_.total_timeout_ms) + " ms", now);
        return;
    }
    take_back_attempts(*seen, now);
    if (now >= hedge_at_) hedge(*seen, now);
    plan_due(seen, now);
    settle(now);
}

void call::abandon(code what, const std::string& text, nanos now) {
    if (done_) return;
    if (what == code::cancelled) metrics::count(metrics::event::call_cancelled);
    end_all(what, text, now);
}

std::unique_ptr<call::plan_error> call::unknown_namespace(std::string_view name, const cluster::view& seen) {
    if (seen.namespaces.empty())
        return std::make_unique<plan_error>(
            plan_error{false, code::cluster, "no node of the cluster answers at the moment"});
    return std::make_unique<plan_error>(plan_error{
        true, code::invalid_namespace,
        "namespace '" + std::string(name) + "' is not in the cluster, which has: " + seen.namespace_names()});
}

bool call::refused_compression(const attempt& ended, code verdict, error& why) {
    if (verdict != code::enterprise_only || !ended.sends_compressed()) return false;
    why.what = verdict;
    why.text =
        "the server refused a compressed request, as servers of the Community Edition do: leave compress out of the "
        "policy";
    return true;
}

bool call::waits_for_view() const noexcept {
    return parked_ > 0 ||
           std::ranges::any_of(in_flight_, [](const attempt* one) { return !one->sent_any() || one->overdue; });
}

bool call::take_rows(attempt&, byte_view, size_t) { return false; }
bool call::has_another_owner(const attempt&, const cluster::view&) const noexcept { return false; }

uint32_t call::remaining_ms(nanos now) const noexcept {
    if (deadline_ == never) return 0;
    return static_cast<uint32_t>(std::max<int64_t>(1, to_ms_ceil(deadline_ - now)));
}

// Plans every part whose time has come, and what is parked by a view that it does not know.
void call::plan_due(const cluster::view_ptr& seen, nanos now) {
    for (size_t i = 0; i < waiting_.size() && !done_;) {
        const bool news = waiting_[i].parked && waiting_[i].planned_by != seen->version;
        if (waiting_[i].launch_at > now && !news) {
            ++i;
            continue;
        }
        part which = std::move(waiting_[i]);
        waiting_.erase(waiting_.begin() + static_cast<ptrdiff_t>(i));
        if (which.parked) --parked_;
        which.parked = false;
        which.planned_by = seen->version;
        if (pause_began_ != 0 && which.launch_at != 0) times_.retry_wait += now - std::exchange(pause_began_, 0);
        if (const auto problem = plan(which, *seen, now)) {
            if (problem->final)
                give_up(which, describe(problem->what, std::move(problem->text), last_node_));
            else
                park(std::move(which), {.what = problem->what, .node = last_node_, .text = std::move(problem->text)},
                     now);
            wants_tend_ = true;
        }
    }
}

void call::retry_or_give_up(part&& which, error&& why, size_t sent, const cluster::view& seen, nanos now) {
    if (why.what == code::bad_reply) metrics::count(metrics::event::bad_reply);
    why.attempts = static_cast<uint16_t>(times_.attempts);
    // A node that is no master of the record any more did nothing, and a write has nowhere else to go until the map
    // says so: it is parked as if nothing had been sent.
    const bool turned_away = sent > 0 && is_write_ && why.what == code::partition_unavailable;
    const bool counts = sent > 0 && !turned_away;
    if (counts || planted(planted_bug::unsent_counted)) {
        ++which.tried;
        if (counts && (leaves_doubt(why.what) || planted(planted_bug::refusal_doubted))) ++which.doubts;
        which.unsent = 0;
    } else {
        ++which.unsent;
    }
    // An attempt that put no byte on the wire is not a retry: it is made again until the deadline. One that only told
    // us to log in again did nothing at the server, so every call may have one of those.
    const unsigned retries = ends_session(why.what) ? std::max(1u, unsigned{policy_.max_retries}) : policy_.max_retries;
    bool again = (which.unsent > 0 || which.tried <= retries) && worth_retrying(why.what);
    bool may_send = true;
    if (again && sent > 0) {
        may_send = seen.retries == nullptr || seen.retries->spend(seen, sent);
        metrics::count(may_send ? metrics::event::attempt_retried : metrics::event::retry_refused);
        if (!may_send) why.text += "; not sent again, for so much was of late that the budget for it is spent";
        again = may_send || turned_away;
    }
    if (!again) {
        why.in_doubt = is_write_ && which.doubts > 0;
        give_up(which, std::move(why));
        return;
    }
    // A write has nowhere else to go than to the master; a node that has heard a read and does not know us any more
    // will know us again at once.
    const bool logs_in = sent > 0 && ends_session(why.what);
    const bool moves = !is_write_ && !logs_in;
    if (moves) {
        ++which.walked;
        which.asked.add(which.target);
    }
    nanos until = never;  // the next view
    if (counts)
        until = now + retry_pause(from_ms(policy_.sleep_between_retries_ms), which.tried, moves || logs_in);
    else if (may_send)
        until = now + unsent_pause(which.unsent, moves);
    wait(std::move(which), std::move(why), !counts, until, now);
}

// That nobody is there to ask is told together with what failed before, which may be the reason.
void call::park(part&& which, error&& why, nanos now) {
    if (last_trouble_.find(why.text) != std::string::npos)
        why.text = last_trouble_;
    else if (!last_trouble_.empty())
        why.text += "; before that: " + last_trouble_;
    wait(std::move(which), std::move(why), true, never, now);
}

void call::wait(part&& which, error&& why, bool parked, nanos until, nanos now) {
    which.parked = parked;
    if (parked) {
        ++parked_;
        metrics::count(metrics::event::call_parked);
    }
    which.launch_at = until;
    if (until > now && pause_began_ == 0 && in_flight_.empty()) pause_began_ = now;
    last_trouble_ = std::move(why.text);
    last_node_ = std::move(why.node);
    waiting_.push_back(std::move(which));
}

// An attempt past its share of the time is let go, and one that waits to send to a node that has left; its part moves
// on. Where nobody else was known its node has all the time there is, but from the end of its share on only until the
// cluster names another: the picture of it may be as old as the trouble.
void call::take_back_attempts(const cluster::view& seen, nanos now) {
    for (size_t i = 0; i < in_flight_.size();) {
        attempt* late = in_flight_[i];
        const bool left = !late->sent_any() && !late->target()->active();
        const bool others_turn = late->turn_over <= now && has_another_owner(*late, seen);
        if (late->deadline > now && !left && !others_turn) {
            if (late->turn_over <= now && !std::exchange(late->overdue, true)) wants_tend_ = true;
            ++i;
            continue;
        }
        let_go(*late);
        wants_tend_ = true;
        part which = part_of(*late);
        error why{.what = code::deadline,
                  .node = late->target()->address_text(),
                  .text = "the node did not answer within this attempt's share of the time"};
        if (left) why.text = "the node left the cluster before anything was sent to it";
        const size_t sent = late->sent();
        if (sent > 0) late->target()->health.failed(true, now);
        late->late = !left;
        if (sent == 0) metrics::count(metrics::event::attempt_unsent);
        take_notes(*late);
        if (salvage(*late, which)) retry_or_give_up(std::move(which), std::move(why), sent, seen, now);
    }
}

void call::end_all(code what, const std::string& text, nanos now) {
    std::vector<part> open = std::exchange(waiting_, {});
    parked_ = 0;
    for (const auto& one : std::exchange(launches_, {})) {
        part which = part_of(*one);
        if (salvage(*one, which)) open.push_back(std::move(which));
    }
    bool any_sent = false;
    while (!in_flight_.empty()) {
        attempt* one = in_flight_.front();
        part which = part_of(*one);
        take_notes(*one);
        let_go(*one);
        if (one->sent_any()) {
            if (what == code::deadline) one->target()->health.failed(true, now);
            one->late = what == code::deadline;
            any_sent = true;
            ++which.tried;
            ++which.doubts;
        }
        last_node_ = one->target()->address_text();
        if (salvage(*one, which)) open.push_back(std::move(which));
    }
    for (part& which : open) {
        error why = describe(what, text, last_node_);
        why.in_doubt = is_write_ && which.doubts > 0 && !planted(planted_bug::doubt_forgotten);
        why.where = which.tried > 0 || (hedged_ && any_sent) ? stage::io : stage::tokio_schedule_delay;
        give_up(which, std::move(why));
    }
    settle(now);
}

// After every change: is there anything left to wait for, and until when?
void call::settle(nanos now) {
    if (done_) return;
    if (waiting_.empty() && launches_.empty() && in_flight_.empty()) {
        if (pause_began_ != 0) times_.retry_wait += now - std::exchange(pause_began_, 0);
        failure_ = conclude();
        if (failure_) failure_->attempts = static_cast<uint16_t>(times_.attempts);
        done_ = true;
        return;
    }
    nanos at = std::min(deadline_, hedge_at_);
    for (const part& which : waiting_) at = std::min(at, which.launch_at);
    for (const attempt* one : in_flight_) at = std::min(at, one->next_look_at());
    for (const auto& one : launches_) at = std::min(at, one->next_look_at());
    wakeup_at_ = at;
}

void call::let_go(attempt& which) noexcept {
    forget(&which);
    which.release_owner(which.drain_until);
    which.let_go_before = std::exchange(released_, &which);
}

void call::lost(const attempt& which) noexcept {
    if (times_.sent == 0) times_.sent = which.first_sent_at;
    forget(&which);
}

void call::out_of_memory() noexcept {
    while (!in_flight_.empty()) {
        if (times_.sent == 0) times_.sent = in_flight_.back()->first_sent_at;
        let_go(*in_flight_.back());
    }
    launches_.clear();
    waiting_.clear();
    parked_ = 0;
    failure_.reset();
    wants_tend_ = false;
    done_ = starved_ = true;
}

void call::forget(const attempt* which) noexcept { std::erase(in_flight_, which); }

call::part call::part_of(attempt& ended) {
    part whole(ended);
    whole.rows = std::move(ended.rows);
    whole.target = ended.target();
    return whole;
}

error call::describe(code what, std::string text, const std::string& node) const {
    error made{.what = what, .attempts = static_cast<uint16_t>(times_.attempts), .node = node, .text = std::move(text)};
    if (!last_trouble_.empty()) made.text += "; before that: " + last_trouble_;
    return made;
}

void call::take_notes(const attempt& ended) noexcept {
    if (ended.tried == 0 && ended.unsent == 0 && !ended.is_hedge) ended.target()->count_load(ended.sent());
    if (times_.sent == 0) times_.sent = ended.first_sent_at;
    if (ended.read_at != 0) {
        times_.received = std::max(times_.received, ended.arrived_at);
        times_.read = std::max(times_.read, ended.read_at);
    }
}

}  // namespace aero::command
