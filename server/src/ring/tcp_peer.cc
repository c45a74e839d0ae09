#include "ring/tcp_peer.h"

#include "net/exchange.h"
#include "net/socket.h"
#include "ring/parcels.h"

namespace aero_server {

namespace {
constexpr size_t idle_max = 16;
constexpr size_t copy_size = 512u << 10;
}  // namespace

int tcp_peer::take() {
    while (true) {
        int fd = -1;
        {
            const std::lock_guard hold(lock_);
            if (idle_.empty()) return -1;
            fd = idle_.back();
            idle_.pop_back();
        }
        if (!is_spent(fd)) return fd;
        close_socket(fd);
    }
}

void tcp_peer::give_back(int fd) {
    {
        const std::lock_guard hold(lock_);
        if (idle_.size() < idle_max) {
            idle_.push_back(fd);
            return;
        }
    }
    close_socket(fd);
}

void tcp_peer::hear(bool heard) {
    heard_.store(heard, std::memory_order_release);
    if (heard) return;
    std::vector<int> ended;
    {
        const std::lock_guard hold(lock_);
        ended.swap(idle_);
    }
    for (const int fd : ended) close_socket(fd);
}

tcp_peer::end tcp_peer::call(aero::byte_view request, aero::buffer& answer, aero::nanos patience) {
    const aero::nanos deadline = aero::monotonic_now() + patience;
    int fd = take();
    if (fd < 0) fd = connect_until(host_, port_, deadline);
    if (fd < 0) return end::not_sent;
    if (send_parcel(fd, request, deadline) && receive_parcel(fd, answer, deadline)) {
        give_back(fd);
        return end::answered;
    }
    close_socket(fd);
    return end::lost;
}

tcp_peer::end tcp_peer::ask(aero::byte_view request, aero::buffer& answer) {
    if (!heard()) return end::not_sent;
    const end got = call(request, answer, patience_);
    if (got != end::answered) hear(false);
    return got;
}

bool tcp_peer::confirms(aero::byte_view request) {
    aero::buffer told;
    return ask(request, told) == end::answered && parcels::read_confirmation(told.view());
}

answer tcp_peer::execute(const record_request& request, aero::buffer& to) {
    aero::buffer asked;
    parcels::write_request(asked, request);
    aero::buffer told;
    switch (ask(asked.view(), told)) {
        case end::not_sent: return {answer::kind::gone};
        case end::lost: return {answer::kind::lost};
        case end::answered: break;
    }
    return parcels::read_answer(told.view(), to);
}

bool tcp_peer::write_replica(uint8_t namespace_index, uint64_t sequence, const record& state) {
    aero::buffer asked;
    parcels::write_replica(asked, {self_, namespace_index, sequence}, state);
    return confirms(asked.view());
}

bool tcp_peer::drop_replica(uint8_t namespace_index, uint64_t sequence, const aero::wire::digest& key) {
    aero::buffer asked;
    parcels::write_drop(asked, {self_, namespace_index, sequence}, key);
    return confirms(asked.view());
}

bool tcp_peer::copy_partition(store& from, unsigned partition, uint64_t sequence) {
    const parcels::origin by{self_, from.index(), sequence};
    aero::buffer asked;
    parcels::begin_copy(asked, by, partition, true);
    bool good = true;
    from.at(partition).records.each([&](const record& r) {
        if (!good) return;
        parcels::append_record(asked, r);
        if (asked.size() < copy_size) return;
        good = confirms(asked.view());
        asked.clear();
        parcels::begin_copy(asked, by, partition, false);
    });
    return good && confirms(asked.view());
}

}  // namespace aero_server
