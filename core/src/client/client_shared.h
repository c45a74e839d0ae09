// What the copies of one client share.
#pragma once

#include "aero/client.h"
#include "cluster/cluster.h"
#include "command/limiter.h"

namespace aero {

struct client::shared {
    explicit shared(std::shared_ptr<cluster::cluster> opened)
        : cluster(std::move(opened)), limiter(cluster->config().max_concurrent_operations) {}

    std::shared_ptr<cluster::cluster> cluster;
    command::limiter limiter;
};

namespace detail {

// How long a call may queue for a slot of the limiter, as a time; `never` when only the call's own deadline counts.
inline nanos limiter_wait_ends(const client_config& config, uint32_t total_timeout_ms, nanos now) noexcept {
    const uint32_t ms = config.operation_queue_timeout_ms != 0 ? config.operation_queue_timeout_ms : total_timeout_ms;
    return ms == 0 ? never : now + from_ms(ms);
}
error limiter_refused(const client_config& config, bool queue_full);

}  // namespace detail
}  // namespace aero
