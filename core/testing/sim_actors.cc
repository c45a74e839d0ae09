#include "testing/sim_actors.h"

#include <algorithm>

namespace aero::tests {
namespace {

using family = sim_call::family;

// A signal that asks the call to stop.
class stop_request final : public interrupt_hook {
  public:
    bool interrupted() noexcept override { return asked; }
    bool asked = false;
};

}  // namespace

// ---------------------------------------------------------------- threads

sim_thread::sim_thread(sim_kernel& kernel, sim_judge& judge, const client& shared, std::string name,
                       std::vector<timed_call> calls)
    : kernel_(kernel), judge_(judge), client_(shared), name_(std::move(name)), calls_(std::move(calls)) {
    std::ranges::stable_sort(calls_, {}, &timed_call::at);
    fiber_ = kernel_.fibers().start(name_, [this] { work(); });
}

void sim_thread::work() {
    for (const timed_call& each : calls_) {
        while (kernel_.world().now() < each.at) kernel_.fibers().sleep(each.at);
        make(each.what);
    }
}

void sim_thread::make(const sim_call& how) {
    const nanos now = kernel_.world().now();
    sim_running& call = judge_.begin(how, name_, now);
    stop_request stop;
    if (how.cancel_after != never) {
        kernel_.world().at(now + how.cancel_after, [this, &call, &stop, self = fiber_] {
            if (call.ended) return;
            stop.asked = call.cancelled = true;
            kernel_.interrupt(self);
        });
    }
    const call_outcome outcome = execute(client_, how, call, &stop);
    kernel_.interrupted_once();
    judge_.ended(call, outcome, kernel_.world().now());
}

call_outcome sim_thread::execute(client& with, const sim_call& how, sim_running& call, interrupt_hook* hook) {
    call_outcome outcome;
    const call_options options{.times = how.with_times ? &outcome.times : nullptr, .interrupt = hook};
    const auto keep = [&](auto got, auto& into) {
        if (got)
            into = std::move(*got);
        else
            outcome.failure = std::make_unique<error>(std::move(got.error()));
    };
    if (how.what == family::info)
        keep(with.info("build", client::info_target::every_node, how.policy.total_timeout_ms), outcome.info);
    else if (how.what == family::read_one || how.what == family::write_one)
        keep(with.execute(call.record(), how.policy, options), outcome.record);
    else
        keep(with.execute(call.batch(), how.policy, options), outcome.batch);
    return outcome;
}

// ---------------------------------------------------------------- loops

struct sim_loop::pending final : completion {
    pending(sim_loop& of, sim_running& which) : home(of), call(which) {}
    void finished(call_outcome&& outcome) noexcept override {
        done = true;
        home.judge_.ended(call, outcome, home.kernel_.world().now());
        home.go_on();
    }
    sim_loop& home;
    sim_running& call;
    event_client::ticket ticket = 0;
    bool done = false;
};

sim_loop::sim_loop(sim_kernel& kernel, sim_judge& judge, const client& shared, std::string name, const sim_plan& plan,
                   const std::vector<timed_call>& calls)
    : kernel_(kernel), judge_(judge), name_(std::move(name)) {
    for (const timed_call& each : calls)
        kernel_.world().at(each.at, [this, how = each.what] {
            if (!stopping_) submit(how);
        });
    const event_config config{.busy_connections_max = plan.busy_max, .queued_calls_max = plan.queued_max};
    fiber_ = kernel_.fibers().start(name_, [this, shared, config] { work(shared, config); });
}

sim_loop::~sim_loop() = default;

void sim_loop::post(std::function<void()> what) {
    mail_.push_back(std::move(what));
    kernel_.fibers().wake(fiber_);
}

// Whoever is told of an end may call and cancel at once, in the middle of the others' being told.
void sim_loop::go_on() {
    sim_world& world = kernel_.world();
    if (stopping_ || events_ == nullptr) return;
    if (world.chance(0.05)) {
        sim_call next;
        next.policy.total_timeout_ms = 300;
        next.keys.assign(1, static_cast<unsigned>(world.below(sim_keys)));
        next.with_times = true;
        start(next);
    }
    if (!world.chance(0.02)) return;
    const auto other = std::ranges::find_if(pending_, [](const auto& each) { return !each->done; });
    if (other == pending_.end() || (*other)->ticket == 0) return;
    (*other)->done = (*other)->call.cancelled = true;
    events_->cancel((*other)->ticket);
}

void sim_loop::submit(const sim_call& how) {
    post([this, how] {
        for (unsigned i = 0; i < how.together; ++i) start(how);
    });
}

void sim_loop::start(const sim_call& how) {
    if (events_ == nullptr) return;
    sim_running& call = judge_.begin(how, name_, kernel_.world().now());
    pending& made = *pending_.emplace_back(std::make_unique<pending>(*this, call));
    if (how.what == family::info)
        made.ticket = events_->submit_info("build", client::info_target::any_node, how.policy.total_timeout_ms, made);
    else if (how.what == family::read_one || how.what == family::write_one)
        made.ticket = events_->submit(call.record(), how.policy, made, how.with_times);
    else
        made.ticket = events_->submit(call.batch(), how.policy, made, how.with_times);
    if (how.cancel_after == never) return;
    kernel_.world().after(how.cancel_after, [this, &made] {
        post([this, &made] {
            if (made.done || events_ == nullptr) return;
            made.done = made.call.cancelled = true;
            events_->cancel(made.ticket);
        });
    });
}

void sim_loop::be_busy(nanos until) {
    post([this, until] {
        while (kernel_.world().now() < until) kernel_.fibers().sleep(until);
        // What ran out of time meanwhile is excused.
        for (const auto& each : pending_)
            if (!each->done) each->call.excused_until = kernel_.world().now();
    });
}

void sim_loop::close() {
    post([this] {
        if (events_ == nullptr) return;
        closed_ = true;
        if (judge_.story) judge_.story(name_ + " closes its client");
        events_->close(kernel_.world().now());
        while (events_->has_completions()) events_->deliver();
    });
}

void sim_loop::stop() {
    post([this] { stopping_ = true; });
}

void sim_loop::work(const client& shared, event_config config) {
    auto made = event_client::create(shared, config);
    if (made) events_ = std::move(*made);
    while (!stopping_ || !idle()) {
        const bool due = events_ != nullptr && (events_->needs_flush() || events_->has_completions());
        if (mail_.empty() && !due) wait();
        while (!mail_.empty()) {
            const std::function<void()> next = std::move(mail_.front());
            mail_.pop_front();
            next();
            if (kernel_.world().chance(0.5)) break;
        }
        if (events_ == nullptr) continue;
        if (events_->needs_flush() || events_->has_completions()) tick(false);
        tick(true);
    }
    events_.reset();
}

void sim_loop::wait() {
    if (events_ == nullptr) {
        kernel_.wait_for_any({}, never);
        return;
    }
    std::vector<pollfd> entries;
    if (events_->fd() >= 0) {
        entries.push_back({.fd = events_->fd(), .events = POLLIN, .revents = 0});
    } else {
        std::vector<event_client::watch> watched;
        events_->watched(watched);
        for (const auto& each : watched)
            entries.push_back({.fd = each.fd,
                               .events = static_cast<short>((each.read ? POLLIN : 0) | (each.write ? POLLOUT : 0)),
                               .revents = 0});
    }
    kernel_.wait_for_any(entries, events_->next_deadline());
}

void sim_loop::tick(bool read) {
    if (read)
        events_->drain(kernel_.world().now());
    else if (events_->needs_flush())
        events_->flush(kernel_.world().now());
    events_->deliver();
    if (events_->needs_flush()) events_->flush(kernel_.world().now());
}

}  // namespace aero::tests
