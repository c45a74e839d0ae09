#include "cluster/link_driver.h"

#include <algorithm>
#include <array>

namespace aero::cluster {
namespace {

constexpr size_t input_size = 64 << 10;

}  // namespace

link_driver::link_driver(tender& machine, pool_keeper& beside, std::shared_ptr<const security> how)
    : machine_(machine), keeper_(beside), security_(std::move(how)), input_(input_size) {
    keeper_.attach(reactor_, open_);
    if (!ok()) return;
    reactor_.add(wake_->fd(), io::readiness::read, tag_of(0));
    if (reactor_.fd() >= 0) open_.note(reactor_.fd());
}

link_driver::~link_driver() { keeper_.close(); }

void link_driver::step(nanos until) {
    carry_out();
    const nanos before = monotonic_now();
    const nanos wanted = std::min({until, machine_.next_deadline(), keeper_.next_deadline()});
    std::array<io::ready_event, 64> events;
    const size_t count = reactor_.wait(events, wanted == never ? never : std::max<nanos>(wanted - before, 0));
    for (size_t i = 0; i < count; ++i) react(events[i]);
    const nanos now = monotonic_now();
    if (machine_.next_deadline() <= now) machine_.tick(now);
    keeper_.tick(now);
    carry_out();
}

void link_driver::start_over(nanos now) {
    while (!sockets_.empty()) close(sockets_.begin()->first);
    machine_.start_over(now);
}

void link_driver::react(const io::ready_event& event) {
    const auto tag = reinterpret_cast<uintptr_t>(event.tag);
    if (tag >= pool_keeper::first_tag) return keeper_.ready(event, monotonic_now());
    if (tag != 0) return ready(static_cast<link_id>(tag), event);
    wake_->clear();
    for (const io::resolver::answer& each : resolver_.take()) {
        machine_.resolved(each.id, each.found, each.why, monotonic_now());
    }
}

void link_driver::carry_out() {
    // Carrying out an action may tell the machine something, which then asks for more.
    for (auto actions = machine_.take_actions(); !actions.empty(); actions = machine_.take_actions()) {
        for (tender::action& each : actions) {
            switch (each.what) {
                case tender::action::kind::resolve: resolver_.ask(each.id, each.to.host, each.to.port); break;
                case tender::action::kind::connect: connect(each.id, each); break;
                case tender::action::kind::close: close(each.id); break;
                case tender::action::kind::send:
                    if (const auto on = sockets_.find(each.id); on != sockets_.end()) {
                        send(each.id, on->second, std::move(each.bytes));
                    }
                    break;
            }
        }
    }
}

void link_driver::connect(link_id id, const tender::action& wanted) {
    auto started = security_ == nullptr ? io::stream::start_connect(wanted.to)
                                        : security_->connect(wanted.to, wanted.known, security::purpose::tending);
    if (!started) {
        return machine_.failed(id, std::move(started.error().text), monotonic_now(), started.error().what);
    }
    socket& made = sockets_[id];
    made.stream = *std::move(started);
    made.slot = open_.note(made.stream.fd());
    if (!reactor_.add(made.stream.fd(), io::readiness::write, tag_of(id))) {
        close(id);
        machine_.failed(id, "cannot be watched: too many open descriptors", monotonic_now());
    }
}

void link_driver::ready(link_id id, const io::ready_event& event) {
    const auto found = sockets_.find(id);
    if (found == sockets_.end()) return;  // closed by what came before it
    socket& on = found->second;
    if (on.connecting) {
        const io::io_result end = on.stream.finish_connect();
        if (end.status == io::io_status::would_block) {
            reactor_.modify(on.stream.fd(), on.stream.awaited(), tag_of(id));
            return;
        }
        if (end.status != io::io_status::ok) return fail(id, "cannot be connected to: ", end);
        on.connecting = false;
        reactor_.modify(on.stream.fd(), io::readiness::read, tag_of(id));
        return machine_.connected(id, monotonic_now());
    }
    if (event.writable && on.sent < on.output.size()) flush(id, on);
    if (event.readable) receive(id);
}

void link_driver::send(link_id id, socket& on, buffer&& bytes) {
    on.output = std::move(bytes);
    on.sent = 0;
    flush(id, on);
}

void link_driver::flush(link_id id, socket& on) {
    while (on.sent < on.output.size()) {
        const io::io_result end = on.stream.send_some(on.output.view().subspan(on.sent));
        if (end.status == io::io_status::would_block) {
            reactor_.modify(on.stream.fd(), io::readiness::read_write, tag_of(id));
            return;
        }
        if (end.status != io::io_status::ok) return fail(id, "failed: ", end);
        on.sent += end.bytes;
    }
    reactor_.modify(on.stream.fd(), io::readiness::read, tag_of(id));
}

void link_driver::receive(link_id id) {
    // To the end of what has arrived: the machine gives up on one that says more than was asked.
    for (;;) {
        const auto found = sockets_.find(id);
        if (found == sockets_.end()) return;
        const io::io_result got = found->second.stream.receive_some({input_.data(), input_.capacity()});
        if (got.status == io::io_status::would_block) return;
        if (got.status != io::io_status::ok) return fail(id, "failed: ", got);
        machine_.received(id, {input_.data(), got.bytes}, monotonic_now());
        if (got.bytes < input_.capacity()) return;
    }
}

void link_driver::fail(link_id id, const char* prefix, const io::io_result& ended) {
    const error why = sockets_.at(id).stream.trouble(ended);
    close(id);
    machine_.failed(id, prefix + why.text, monotonic_now(), why.what);
}

void link_driver::close(link_id id) {
    const auto found = sockets_.find(id);
    if (found == sockets_.end()) return;
    reactor_.remove(found->second.stream.fd());
    open_.forget(found->second.slot);
    sockets_.erase(found);
}

void link_driver::close_after_fork() noexcept {
    open_.close_all();
    wake_->close();
}

}  // namespace aero::cluster
