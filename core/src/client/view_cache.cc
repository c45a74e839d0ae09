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

struct views_of_thread {
    std::array<known, clusters_known> clusters;
    size_t next_place = 0;

    known& of(uint64_t cluster_id) {
        for (known& one : clusters)
            if (one.cluster_id == cluster_id) return one;
        known& taken = clusters[next_place++ % clusters_known];
        taken = {.cluster_id = cluster_id};
        return taken;
    }
};

}  // namespace

const cluster::view_ptr& current_view(const cluster::cluster& of) {
    static thread_local views_of_thread kept;
    known& mine = kept.of(of.id());
    const uint64_t version = of.version();
    if (mine.view == nullptr || mine.version != version) {
        mine.view = of.current();
        mine.version = version;
    }
    return mine.view;
}

}  // namespace aero::detail
