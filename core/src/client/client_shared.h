// What the copies of one client share.
#pragma once

#include <algorithm>

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

// How long a call may queue for a slot of the limiter: never beyond its own deadline, whatever the queue's limit is.
inline nanos limiter_wait_ends(const client_config& config, nanos deadline, nanos now) noexcept {
    const uint32_t ms = config.operation_queue_timeout_ms;
    return ms == 0 ? deadline : std::min(deadline, now + from_ms(ms));
}
inline nanos deadline_of(const transport_policy& policy, nanos now) noexcept {
    return policy.total_timeout_ms == 0 ? never : now + from_ms(policy.total_timeout_ms);
}
error limiter_refused(const client_config& config, bool queue_full);
error late_before_sent(uint32_t total_timeout_ms, stage where);  // the deadline passed, and nothing was sent

}  // namespace detail
}  // namespace aero
