// The client's calls as the wire has them: admission, a machine of the right family, the blocking driver.
#include "aero/client.h"

#include <algorithm>

#include "base/no_memory.h"
#include "base/threads.h"
#include "client/blocking_driver.h"
#include "client/client_shared.h"
#include "client/view_cache.h"
#include "command/admin_call.h"
#include "command/batch_call.h"
#include "command/info_call.h"
#include "command/record_call.h"
#include "metrics/counters.h"

namespace aero {

namespace {

std::unexpected<error> not_open() { return fail(code::client, "the client is closed: open another one"); }

// A waiter for a slot on a thread that may sleep.
class sleeping_waiter final : public command::limiter::waiter {
  public:
    void granted() noexcept override {
        const std::lock_guard lock(mutex_);
        granted_ = true;
        wake_.notify_one();
    }
    // No signal wakes a thread that waits for another, so it looks up now and then.
    enum class end : uint8_t { granted, late, interrupted };
    end wait_until(nanos at, interrupt_hook* interrupt) {
        constexpr nanos look_up_after = 50'000'000;
        for (;;) {
            std::unique_lock lock(mutex_);
            const nanos now = monotonic_now();
            const std::chrono::nanoseconds stretch(std::clamp<nanos>(at - now, 0, look_up_after));
            if (wake_.wait_for(lock, stretch, [&] { return granted_; })) return end::granted;
            lock.unlock();
            if (interrupt != nullptr && interrupt->interrupted()) return end::interrupted;
            if (monotonic_now() >= at) return end::late;
        }
    }

  private:
    std::mutex mutex_;
    condition wake_;
    bool granted_ = false;
};

// Holds a slot of the limiter while a call runs.
class slot {
  public:
    static result<slot> take(client::shared& of, const transport_policy& policy, nanos now, interrupt_hook* interrupt) {
        if (!of.limiter.limited()) return slot(nullptr);
        const nanos deadline = detail::deadline_of(policy, now);
        const nanos ends = detail::limiter_wait_ends(of.cluster->config(), deadline, now);
        sleeping_waiter me;
        auto entered = of.limiter.enter(me);
        if (entered == command::limiter::admission::queued) {
            const auto end = me.wait_until(ends, interrupt);
            const bool granted = end == sleeping_waiter::end::granted || !of.limiter.withdraw(me);
            if (end == sleeping_waiter::end::interrupted) {
                if (granted) of.limiter.leave();
                metrics::count(metrics::event::call_cancelled);
                return std::unexpected(
                    error{.what = code::cancelled, .where = stage::limiter_wait, .text = "interrupted"});
            }
            if (granted) entered = command::limiter::admission::granted;
            if (!granted && ends == deadline)
                return std::unexpected(detail::late_before_sent(policy.total_timeout_ms, stage::limiter_wait));
        }
        if (entered != command::limiter::admission::granted)
            return std::unexpected(
                detail::limiter_refused(of.cluster->config(), entered == command::limiter::admission::refused));
        return slot(&of.limiter);
    }
    slot(slot&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)) {}
    slot& operator=(slot&&) = delete;
    ~slot() {
        if (limiter_ != nullptr) limiter_->leave();
    }

  private:
    explicit slot(command::limiter* held) noexcept : limiter_(held) {}
    command::limiter* limiter_;
};

// A call object used again by the next call of this thread. Nested calls (a signal handler that calls) make their own.
template <class Call>
class reused {
  public:
    reused() : spare_(of_this_thread()), call_(spare_ ? std::move(spare_) : std::make_unique<Call>()) {}
    ~reused() { spare_ = std::move(call_); }
    reused(const reused&) = delete;
    reused& operator=(const reused&) = delete;
    Call& operator*() noexcept { return *call_; }
    Call* operator->() noexcept { return call_.get(); }

  private:
    static std::unique_ptr<Call>& of_this_thread() {
        static thread_local std::unique_ptr<Call> kept;
        return kept;
    }
    std::unique_ptr<Call>& spare_;  // looked for once
    std::unique_ptr<Call> call_;
};

// From prepared to done; the error is the call's own, with what is known of it.
result<void> go_through(client::shared& of, command::call& what, nanos began, const call_options& options) {
    auto held = slot::take(of, what.policy(), began, options.interrupt);
    if (!held) return std::unexpected(std::move(held.error()));
    nanos now = began;
    if (of.limiter.limited()) {
        now = monotonic_now();
        what.set_deadline(detail::deadline_of(what.policy(), began));
    }
    what.set_admitted(now);
    if (options.times != nullptr) what.want_stamps();
    detail::blocking_driver(*of.cluster, options.interrupt).run(what, now);
    if (options.times != nullptr) *options.times = what.times();
    if (what.failure() != nullptr) return std::unexpected(std::move(*what.take_failure()));
    return {};
}

// Where memory runs out the driver has let go of the connections already, and of the attempts on them.
result<void> drive(client::shared& of, command::call& what, nanos began, const call_options& options) noexcept {
    try {
        return go_through(of, what, began, options);
    } catch (const std::bad_alloc&) {
        what.out_of_memory();
        return std::unexpected(
            detail::no_memory(what.may_have_written(), static_cast<uint16_t>(what.times().attempts)));
    }
}

// A reply that cannot be handed out for want of memory: what was asked for has been done.
template <class Reply, class Call>
result<Reply> reply_of(Call& call) noexcept {
    try {
        return call.take_reply();
    } catch (const std::bad_alloc&) {
        return std::unexpected(detail::no_memory(call.writes(), static_cast<uint16_t>(call.times().attempts)));
    }
}

}  // namespace

error detail::limiter_refused(const client_config& config, bool queue_full) {
    metrics::count(metrics::event::call_refused);
    error made{.what = code::backpressure, .where = stage::limiter_wait};
    made.text = "no slot of max_concurrent_operations = " + std::to_string(config.max_concurrent_operations) +
                (queue_full ? ": the queue is full" : " became free in time; raise it or operation_queue_timeout_ms");
    return made;
}

error detail::late_before_sent(uint32_t total_timeout_ms, stage where) {
    return {.what = code::deadline,
            .where = where,
            .text = "no answer within the total timeout of " + std::to_string(total_timeout_ms) + " ms"};
}

result<client> client::open(client_config config, interrupt_hook* interrupt) {
    return detail::within_memory([&]() -> result<client> {
        auto opened = cluster::cluster::open(std::move(config), interrupt);
        if (!opened) return std::unexpected(std::move(opened.error()));
        return client(std::make_shared<shared>(std::move(*opened)));
    });
}

void client::close() { shared_->cluster->close(); }

bool client::is_open() const noexcept { return !shared_->cluster->closed(); }

bool client::ping() { return info("build", info_target::any_node).has_value(); }

std::vector<std::string> client::node_names() const {
    std::vector<std::string> names;
    if (is_open())
        for (const auto& node : detail::current_view(*shared_->cluster)->nodes) names.push_back(node->name());
    return names;
}

void client::abandon_after_fork() noexcept { shared_->cluster->abandon_after_fork(); }

result<record_reply> client::execute(const record_request& request, const transport_policy& policy,
                                     call_options options) {
    if (!is_open()) return not_open();
    const nanos began = monotonic_now();
    return detail::within_memory([&]() -> result<record_reply> {
        reused<command::record_call> call;
        call->prepare(request, policy);
        if (auto done = drive(*shared_, *call, began, options); !done) return std::unexpected(std::move(done.error()));
        return call->take_reply();
    });
}

result<batch_reply> client::execute(const batch_request& request, const transport_policy& policy,
                                    call_options options) {
    if (!is_open()) return not_open();
    if (request.digests.empty()) return batch_reply{};
    const nanos began = monotonic_now();
    return detail::within_memory([&]() -> result<batch_reply> {
        reused<command::batch_call> call;
        call->prepare(request, policy, shared_->cluster->config().split_large_batches);
        if (auto done = drive(*shared_, *call, began, options); !done) return std::unexpected(std::move(done.error()));
        return reply_of<batch_reply>(*call);
    });
}

result<admin_reply> client::execute(const admin_request& request, uint32_t timeout_ms, call_options options) {
    if (!is_open()) return not_open();
    return detail::within_memory([&]() -> result<admin_reply> {
        command::admin_call call;
        call.prepare(request, timeout_ms, &shared_->cluster->how());
        if (auto done = drive(*shared_, call, monotonic_now(), options); !done)
            return std::unexpected(std::move(done.error()));
        return reply_of<admin_reply>(call);
    });
}

result<std::vector<info_reply>> client::info(std::string_view command, info_target target, uint32_t timeout_ms,
                                             call_options options) {
    if (!is_open()) return not_open();
    return detail::within_memory([&]() -> result<std::vector<info_reply>> {
        command::info_call call;
        call.prepare(command,
                     target == info_target::every_node ? command::info_call::target::every_node
                                                       : command::info_call::target::any_node,
                     timeout_ms);
        if (auto done = drive(*shared_, call, monotonic_now(), options); !done)
            return std::unexpected(std::move(done.error()));
        return call.take_replies();
    });
}

}  // namespace aero
