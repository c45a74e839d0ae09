// A connected cluster: the view that calls route by, kept fresh by one tend thread that never takes a foreign lock.
//
// Threads: every member may be called from any thread. The tend thread blocks all signals and ends in `close`.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "aero/config.h"
#include "cluster/view.h"

namespace aero {
class interrupt_hook;
}

namespace aero::io {
class wake_up;
}

namespace aero::cluster {

class leftover;

class cluster {
  public:
    // Seeds in parallel until one yields a cluster with a partition map, at most `connect_timeout_ms`. Errors: cluster
    // (nobody answered; the text lists each seed with its reason), client (cluster name differs), invalid_host,
    // cancelled.
    static result<std::shared_ptr<cluster>> open(client_config config, interrupt_hook* interrupt = nullptr);
    ~cluster();

    const client_config& config() const noexcept { return config_; }
    const security& how() const noexcept { return *security_; }
    uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }
    view_ptr current() const;   // takes a short lock; callers keep the pointer while version() stands
    void tend_soon() noexcept;  // asks for an early tend after an error; at most one per 100 ms is honoured
    // `told` is signalled after each new view and at the end, from the thread that makes it so, until `unwatch`.
    void watch(io::wake_up& told);
    void unwatch(io::wake_up& told) noexcept;
    // Between them somebody can do nothing until a new view comes: the cluster is tended as often as is honoured.
    void begin_parking() noexcept;
    void end_parking() noexcept { parked_.fetch_sub(1, std::memory_order_relaxed); }
    // The reply on a connection that was let go: the tend thread reads it and gives the connection back to its pool.
    void take_over(std::shared_ptr<node> of, connection&& on, std::unique_ptr<leftover> reply) noexcept;
    void close() noexcept;  // joins the tend thread, closes resting connections; idempotent
    bool closed() const noexcept { return closed_.load(std::memory_order_relaxed); }
    // In a forked child: forget the thread and the descriptors without touching the parent's connections.
    void abandon_after_fork() noexcept;
    uint64_t id() const noexcept { return id_; }  // unique within the process, for caches by thread

  private:
    cluster(client_config config, std::shared_ptr<const security> how);
    void tend() noexcept;  // the thread's work
    void tend_once();
    void warm_up(nanos until);
    void publish(view_ptr next);
    void tell_watchers() noexcept;

    const client_config config_;
    const std::shared_ptr<const security> security_;
    const uint64_t id_;
    std::atomic<uint64_t> version_{0};
    std::atomic<bool> closed_{false};
    mutable std::mutex mutex_;
    view_ptr view_;  // guarded by mutex_
    std::atomic<uint32_t> parked_{0};
    std::mutex watchers_mutex_;
    std::vector<io::wake_up*> watchers_;  // guarded by watchers_mutex_
    struct tending;
    std::unique_ptr<tending> tending_;
};

// What one waits for that only a new view can bring, as the cluster is told of it.
class parking {
  public:
    explicit parking(cluster& of) noexcept : of_(&of) { of_->begin_parking(); }
    parking(parking&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
    parking& operator=(parking&&) = delete;
    ~parking() {
        if (of_ != nullptr) of_->end_parking();
    }

  private:
    cluster* of_;
};

}  // namespace aero::cluster
