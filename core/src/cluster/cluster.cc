#include "cluster/cluster.h"

#include <algorithm>
#include <system_error>

#include "aero/client.h"
#include "base/planted.h"
#include "base/threads.h"
#include "cluster/link_driver.h"
#include "io/signals.h"
#include "metrics/counters.h"

namespace aero::cluster {
namespace {

constexpr nanos keep_interval = from_ms(1000);
constexpr nanos memory_pause = from_ms(20);        // before a tend that ran out of memory is tried again
constexpr nanos interrupt_interval = from_ms(50);  // between two looks for signals while a cluster is opened

uint64_t next_id() noexcept {
    static std::atomic<uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

result<void> check(const client_config& config) {
    if (config.hosts.empty()) return fail(code::invalid_host, "no hosts were given");
    for (const host& each : config.hosts) {
        if (each.name.empty() || each.port == 0) {
            return fail(code::invalid_host,
                        "'" + each.name + ":" + std::to_string(each.port) + "' is no host and port");
        }
    }
    if (config.connecting_per_node_max == 0)
        return fail(code::invalid_argument, "connecting_per_node_max is 0: without a connect there is no connection");
    const hedge_config& hedges = config.hedged_reads;
    if (hedges.on() && (hedges.after_ms != 0) == (hedges.percentile != 0))
        return fail(code::invalid_argument, "hedged_reads has both after_ms and percentile: one says when");
    if (hedges.percentile < 0 || hedges.percentile >= 100 || hedges.share <= 0 || hedges.share > 1)
        return fail(code::invalid_argument,
                    "hedged_reads has a percentile not below 100, or a share not within 0 .. 1");
    return {};
}

}  // namespace

struct cluster::tending {
    tending(const client_config& config, const std::shared_ptr<const security>& how)
        : machine(config, how), keeper(config), driver(machine, keeper, how) {}

    tender machine;  // with `keeper` and `driver` owned by the opening thread, then by `thread`
    pool_keeper keeper;
    link_driver driver;
    aero::thread thread;
    std::atomic<bool> soon{false};
    nanos keep_at = 0;
};

cluster::cluster(client_config config, std::shared_ptr<const security> how)
    : config_(std::move(config)),
      security_(std::move(how)),
      id_(next_id()),
      view_(std::make_shared<const view>()),
      tending_(std::make_unique<tending>(config_, security_)) {}

cluster::~cluster() { close(); }

result<std::shared_ptr<cluster>> cluster::open(client_config config, interrupt_hook* interrupt) {
    if (auto checked = check(config); !checked) return std::unexpected(std::move(checked.error()));
    auto how = security::make(config);
    if (!how) return std::unexpected(std::move(how.error()));
    // The secrets are where they are needed; nobody else keeps them.
    config.password.clear();
    config.tls.keydata.clear();
    config.tls.keyfile_pw.clear();
    const nanos until = monotonic_now() + from_ms(config.connect_timeout_ms);
    std::shared_ptr<cluster> made(new cluster(std::move(config), *std::move(how)));
    tending& tends = *made->tending_;
    if (!tends.driver.ok()) return fail(code::client, "no descriptors are left to watch connections with");

    // The first tend runs here; the thread takes over a cluster that is known.
    tender& machine = tends.machine;
    machine.start(monotonic_now());
    nanos look_at = monotonic_now() + interrupt_interval;
    while (!machine.complete() && !machine.settled() && monotonic_now() < until) {
        tends.driver.step(interrupt == nullptr ? until : std::min(until, look_at));
        if (interrupt == nullptr || monotonic_now() < look_at) continue;
        if (interrupt->interrupted()) {
            made->closed_.store(true, std::memory_order_relaxed);
            return fail(code::cancelled, "interrupted while the cluster was looked for");
        }
        look_at = monotonic_now() + interrupt_interval;
    }
    if (!machine.has_members()) {
        error why = machine.why_no_cluster();
        if (monotonic_now() >= until) {
            why.text += " (waited " + std::to_string(made->config_.connect_timeout_ms) + " ms)";
        }
        made->closed_.store(true, std::memory_order_relaxed);
        return std::unexpected(std::move(why));
    }
    made->publish(machine.current());
    made->warm_up(until);
    const io::signals_blocked blocked;
    try {
        tends.thread = thread(&cluster::tend, made.get());
    } catch (const std::system_error&) {
        return fail(code::client, "no thread could be started to tend the cluster");
    }
    return made;
}

// A step that runs out of memory may have changed half of what it meant to: what the cluster was asked is asked again,
// on new connections, by what is known of its members.
void cluster::tend() noexcept {
    bool starved = false;
    while (!closed()) {
        try {
            if (starved) tending_->driver.start_over(monotonic_now());
            starved = false;
            tend_once();
        } catch (const std::bad_alloc&) {
            starved = true;
            metrics::count(metrics::event::tend_failed);
            std::this_thread::sleep_for(std::chrono::nanoseconds(memory_pause));
        }
    }
}

void cluster::tend_once() {
    tending& tends = *tending_;
    tends.driver.step(tends.keep_at);
    const nanos now = monotonic_now();
    const bool parked = parked_.load(std::memory_order_relaxed) > 0;
    if (tends.soon.exchange(false, std::memory_order_relaxed) || parked) tends.machine.tend_soon(now);
    const view_ptr& seen = tends.machine.current();
    const bool differs = seen->version != version();
    if (differs) publish(seen);
    if (!differs && now < tends.keep_at) return;
    tends.keep_at = now + keep_interval;
    security_->refresh();
    tends.keeper.keep(*seen, now);
}

// What a pool holds at least is there when `open` returns, as far as the nodes let it be.
void cluster::warm_up(nanos until) {
    tending& tends = *tending_;
    tends.keeper.keep(*tends.machine.current(), monotonic_now());
    while (tends.keeper.connecting() && monotonic_now() < until) tends.driver.step(until);
}

void cluster::take_over(std::shared_ptr<node> of, connection&& on, std::unique_ptr<leftover> reply) noexcept {
    if (tending_ == nullptr) {  // in a forked child
        on.stream.close();
        return of->drop_slot();
    }
    tending_->keeper.take_over(std::move(of), std::move(on), std::move(reply));
    tending_->driver.wake();
}

void cluster::publish(view_ptr next) {
    const uint64_t number = next->version;
    {
        const std::lock_guard lock(mutex_);
        view_.swap(next);
    }
    version_.store(number, std::memory_order_release);
    if (!planted(planted_bug::view_untold)) tell_watchers();
}

void cluster::watch(io::wake_up& told) {
    const std::lock_guard lock(watchers_mutex_);
    watchers_.push_back(&told);
}

void cluster::unwatch(io::wake_up& told) noexcept {
    if (tending_ == nullptr) return;  // in a forked child, where the lock may be held for ever
    const std::lock_guard lock(watchers_mutex_);
    std::erase(watchers_, &told);
}

void cluster::tell_watchers() noexcept {
    const std::lock_guard lock(watchers_mutex_);
    for (io::wake_up* each : watchers_) each->signal();
}

void cluster::begin_parking() noexcept {
    if (parked_.fetch_add(1, std::memory_order_relaxed) == 0) tend_soon();
}

view_ptr cluster::current() const {
    const std::lock_guard lock(mutex_);
    return view_;
}

void cluster::tend_soon() noexcept {
    // Many calls fail at once when a node dies; one wake-up is enough for all.
    if (tending_ != nullptr && !tending_->soon.exchange(true, std::memory_order_relaxed)) tending_->driver.wake();
}

void cluster::close() noexcept {
    if (closed_.exchange(true, std::memory_order_relaxed) || tending_ == nullptr) return;
    tending_->driver.wake();
    if (tending_->thread.joinable()) tending_->thread.join();
    tending_->keeper.close();
    for (const auto& each : current()->nodes) each->deactivate();
    tell_watchers();
}

void cluster::abandon_after_fork() noexcept {
    closed_.store(true, std::memory_order_relaxed);
    if (tending_ == nullptr) return;
    tending_->driver.close_after_fork();
    // The thread exists in the parent only, and its data may be halfway through a change: neither is touched again.
    static_cast<void>(tending_.release());
    if (!mutex_.try_lock()) return;  // held by a thread of the parent
    for (const auto& each : view_->nodes) each->abandon_after_fork();
    mutex_.unlock();
}

}  // namespace aero::cluster
