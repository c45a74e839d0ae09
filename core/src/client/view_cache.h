// The newest view of a cluster as one thread knows it: one relaxed look at a version number per call, a lock only when
// the cluster has changed. Each thread keeps the views of the few clusters it used last.
#pragma once

#include "cluster/cluster.h"

namespace aero::detail {

const cluster::view_ptr& current_view(const cluster::cluster& of);

}  // namespace aero::detail
