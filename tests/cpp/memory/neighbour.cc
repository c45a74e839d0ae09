#include "memory/neighbour.h"

#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "server.h"
#include "testing/certificates.h"

namespace aero::test {
namespace {

[[noreturn]] void give_up(const char* why) {
    std::fprintf(stderr, "the servers' process: %s\n", why);
    _exit(1);
}

void write_all(int to, const void* bytes, size_t size) {
    if (write(to, bytes, size) != static_cast<ssize_t>(size)) give_up("its channel is closed");
}

bool read_all(int from, void* bytes, size_t size) {
    auto* at = static_cast<char*>(bytes);
    while (size > 0) {
        const ssize_t got = read(from, at, size);
        if (got <= 0) return false;
        at += got;
        size -= static_cast<size_t>(got);
    }
    return true;
}

std::unique_ptr<aero_server::server> started(aero_server::options how) {
    auto made = std::make_unique<aero_server::server>(std::move(how));
    if (const std::string problem = made->start(); !problem.empty()) give_up(problem.c_str());
    return made;
}

[[noreturn]] void serve(int channel, const neighbour& as, const tests::identity& certificate) {
    aero_server::options how{.nodes = neighbour::node_count};
    how.compression = true;
    const auto open = started(how);
    how = {};
    how.tls.enable = true;
    how.tls.certdata = certificate.certificate;
    how.tls.keydata = secret(certificate.key);
    how.tls_name = "localhost";
    const auto secure = started(how);
    how.users.push_back({.name = as.user, .password = secret(as.password), .roles = {"read-write", "user-admin"}});
    how.users.push_back({.name = as.other, .password = secret(as.password)});
    const auto guarded = started(how);
    for (const auto& [name, port] : open->endpoints()) write_all(channel, &port, sizeof port);
    for (const auto& [name, port] : secure->tls_endpoints()) write_all(channel, &port, sizeof port);
    for (const auto& [name, port] : guarded->endpoints()) write_all(channel, &port, sizeof port);
    for (const auto& [name, port] : guarded->tls_endpoints()) write_all(channel, &port, sizeof port);
    char order[2];
    while (read_all(channel, order, sizeof order)) {
        const auto index = static_cast<unsigned char>(order[1]);
        const std::string problem = order[0] == 's' ? open->stop_node(index) : open->start_node(index);
        if (!problem.empty()) give_up(problem.c_str());
        // What the node that has come back holds is all there before another one goes.
        if (order[0] != 's' && !open->wait_until_stable(60'000)) give_up("its cluster does not settle");
        write_all(channel, order, 1);
    }
    _exit(0);
}

// Lets `whom` sleep as often as it is asked to.
[[noreturn]] void rock(int channel, pid_t whom) {
    char order = 0;
    while (read_all(channel, &order, 1)) {
        kill(whom, SIGSTOP);
        write_all(channel, &order, 1);
        usleep(5'000);
        kill(whom, SIGCONT);
    }
    _exit(0);
}

// A process of its own that does `work` with one end of a channel; gives the other.
template <class Work>
int beside_us(pid_t& who, Work work) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) give_up("no socket pair");
    who = fork();
    if (who < 0) give_up("no fork");
    if (who == 0) {
        close(ends[0]);
        work(ends[1]);
    }
    close(ends[1]);
    return ends[0];
}

}  // namespace

neighbour neighbour::start() {
    neighbour made;
    tests::authority home;
    const tests::identity certificate = home.issue({.name = "localhost"});
    made.authority = home.certificate();
    pid_t servers = 0, nurse = 0;
    made.channel_ = beside_us(servers, [&](int channel) { serve(channel, made, certificate); });
    made.bedside_ = beside_us(nurse, [&](int channel) {
        close(made.channel_);  // the servers end with the test, and not with this
        rock(channel, servers);
    });
    made.ports.resize(node_count);
    for (std::vector<uint16_t>* each : {&made.secure_ports, &made.guarded_ports, &made.locked_ports}) each->resize(1);
    for (std::vector<uint16_t>* each : {&made.ports, &made.secure_ports, &made.guarded_ports, &made.locked_ports})
        if (!read_all(made.channel_, each->data(), each->size() * sizeof(uint16_t))) give_up("it did not start");
    return made;
}

void neighbour::nap() const {
    char order = 'n';
    write_all(bedside_, &order, 1);
    if (!read_all(bedside_, &order, 1)) give_up("its nurse has gone");
}

void neighbour::tell(char what, unsigned index) const {
    const char order[2] = {what, static_cast<char>(index)};
    char answer = 0;
    write_all(channel_, order, sizeof order);
    if (!read_all(channel_, &answer, 1)) give_up("it has gone");
}

void neighbour::stop_node(unsigned index) const { tell('s', index); }
void neighbour::start_node(unsigned index) const { tell('b', index); }

}  // namespace aero::test
