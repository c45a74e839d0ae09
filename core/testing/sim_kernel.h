// The operating system of the simulated client: descriptors, sockets, epoll, poll, wake-ups, both clocks, names.
//
// The library under test makes its ordinary system calls; in the simulator's executable they are led here by the linker
// (sim_syscalls.cc). Whoever waits is a fiber. Descriptors are given out lowest first, as a kernel does, so that one
// used after its close meets its successor.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <map>
#include <set>
#include <span>
#include <string>

#include "testing/sim_fibers.h"
#include "testing/sim_network.h"

namespace aero::tests {

class sim_kernel final : public sim_watcher {
  public:
    static constexpr int first_fd = 1 << 20;
    static constexpr nanos wall_begin = from_ms(1'700'000'000'000);  // the time of day when runs begin

    sim_kernel(sim_world& world, sim_fibers& fibers, sim_network& network);
    ~sim_kernel();
    // The one that system calls are led to; null outside of a simulation.
    static sim_kernel* current() noexcept;

    sim_world& world() noexcept { return world_; }
    sim_fibers& fibers() noexcept { return fibers_; }

    // --- steered by the simulation
    void jump_wall_clock(nanos by) noexcept { wall_offset_ += by; }
    void set_descriptors_short(double chance) noexcept { short_of_descriptors_ = chance; }
    void set_unreachable(double chance) noexcept { unreachable_ = chance; }
    void set_names(std::map<std::string, std::vector<std::string>> names) { names_ = std::move(names); }
    void set_lookup_time(nanos longest) noexcept { lookup_max_ = longest; }
    void interrupt(fiber_id which);  // a signal: its wait in the kernel ends
    void interrupted_once() noexcept { interrupts_.erase(fibers_.current()); }
    std::function<void(byte_view request, bool in_clear)> seen_request;
    // Waits until a descriptor is ready, the time has come or somebody wakes this fiber.
    void wait_for_any(std::span<pollfd> entries, nanos until);

    // --- looked at by the simulation
    size_t open_sockets() const;
    size_t open_files() const noexcept { return files_.size(); }
    std::string bad_use() const { return bad_use_; }  // what the library did that no program should do

    // --- system calls: results as the system's, errors in errno
    nanos monotonic() const noexcept { return world_.now(); }
    nanos wall() const noexcept { return world_.now() + wall_offset_; }
    int socket();
    int connect(int fd, const sockaddr* to);
    int peer_name(int fd, sockaddr* into, socklen_t* size);
    int own_name(int fd, sockaddr* into, socklen_t* size);
    int socket_error(int fd, int& number);
    int set_receive_timeout(int fd, nanos limit);
    int set_time_stamps(int fd, bool on);
    int flags(int fd);
    int set_flags(int fd, int flags);
    ssize_t send(int fd, byte_view bytes, int flags);
    ssize_t receive(int fd, byte_span into, int flags, nanos* stamp);
    int close(int fd);
    int poll(std::span<pollfd> entries, nanos timeout);
    int epoll_create();
    int epoll_control(int epoll, int operation, int fd, const epoll_event* event);
    int epoll_wait(int epoll, std::span<epoll_event> into, nanos timeout);
    int event_create();
    ssize_t event_write(int fd, uint64_t count);
    ssize_t event_read(int fd, uint64_t& count);
    std::vector<std::string> look_up(const std::string& name);

  private:
    struct file {
        enum class kind : uint8_t { socket, epoll, event } what = kind::socket;
        connection_id connection = 0;
        std::string address;
        sockaddr_storage peer{};
        int flags = 0;
        nanos receive_timeout = 0;
        bool stamps = false;
        std::map<int, epoll_event> watched;
        uint64_t count = 0;
    };
    struct state {
        bool readable = false, writable = false, broken = false;
    };
    void on_change(connection_id id) override;
    void on_request(byte_view request, bool in_clear) override {
        if (seen_request) seen_request(request, in_clear);
    }
    file* find(int fd, const char* use);
    int open(file made);
    state look(int fd) const;
    void changed(int fd);
    bool watches(int waited, int fd) const;
    // False when the time has come. EINTR is told by `interrupted`.
    bool wait_on(std::span<const int> fds, nanos until);
    bool interrupted();
    nanos until_of(nanos timeout) const noexcept { return timeout == never ? never : world_.now() + timeout; }

    sim_world& world_;
    sim_fibers& fibers_;
    sim_network& network_;
    std::map<int, file> files_;
    std::map<connection_id, int> fd_of_;
    std::map<fiber_id, std::vector<int>> waiting_;
    std::set<fiber_id> interrupts_;
    std::map<std::string, std::vector<std::string>> names_;
    std::string bad_use_;
    nanos wall_offset_ = wall_begin - sim_world::begin;
    nanos lookup_max_ = from_ms(5);
    double short_of_descriptors_ = 0;
    double unreachable_ = 0;
};

}  // namespace aero::tests
