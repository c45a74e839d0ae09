#include "client/view_cache.h"

#include <array>

namespace aero::detail {

namespace {

struct known {
    uint64_t cluster_id = 0;
    uint64_t version = 0;
    cluster::view_ptr view;
};

// Few, because a process has few clients; a further one takes the place of the one used least recently written.
constexpr size_t clusters_known = 8;

}  // namespace

const cluster::view_ptr& current_view(const cluster::cluster& of) {
    static thread_local std::array<known, clusters_known> cache;
    static thread_local size_t next_place = 0;
    const uint64_t version = of.version();
    known* mine = nullptr;
    for (known& one : cache)
        if (one.cluster_id == of.id()) mine = &one;
    if (mine == nullptr) {
        mine = &cache[next_place++ % clusters_known];
        mine->cluster_id = of.id();
        mine->version = 0;
        mine->view.reset();
    }
    if (mine->view == nullptr || mine->version != version) {
        mine->view = of.current();
        mine->version = version;
    }
    return mine->view;
}

}  // namespace aero::detail
