// The nodes' side of TLS: OpenSSL over memory instead of sockets, with the run's chance in the place of its own, so
// that equal seeds give equal bytes.
//
// What a client sends is opened as it is sent, and what comes of it is kept until it arrives. So it is known of every
// request whether the client has let go of it, even if it is lost on the way: half a record is nothing. One thread.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "base/buffer.h"
#include "testing/sim_world.h"

struct bio_st;
struct ssl_st;

namespace aero::tests {

inline constexpr uint16_t sim_clear_port = 3000, sim_tls_port = 4333;

struct sim_tls_rules {
    bool on = false;
    bool older = false;           // no newer than TLS 1.2
    bool for_login_only = false;  // calls go in clear
};

// Makes keys, certificates and contexts. Once per process, before its runs: it takes longer than one of them.
void prepare_tls();
// Chance begins anew, for this run.
void restart_tls(uint64_t seed);
// Of both sides, in this process.
size_t tls_connections_alive() noexcept;
// PEM text of who vouches for the nodes.
const std::string& sim_authority();

// One connection, at the node's end.
class sim_tls {
  public:
    sim_tls(ssl_st* made, std::string own_name, bool wrong);
    ~sim_tls();
    sim_tls(const sim_tls&) = delete;
    sim_tls& operator=(const sim_tls&) = delete;

    // The client has sent these; appends what can be read of it once it arrives.
    void sent(byte_view sealed, buffer& opened);
    struct progress {
        buffer opened;  // what the node reads
        buffer sealed;  // what its TLS answers
        bool failed = false;
    };
    // So many of the bytes that were sent have arrived.
    progress arrived(size_t bytes);
    // What the node says, ready to be sent; nothing after a failure.
    buffer seal(byte_view plain);
    // Something was said to us though we have not shown that we are who was asked for.
    bool misled() const noexcept { return misled_; }

  private:
    friend struct sim_tls_hooks;  // what OpenSSL calls
    struct step {
        size_t at;  // bytes sent
        progress made;
    };
    byte_view rest_of_record(byte_view bytes) noexcept;
    void feed(byte_view sealed, buffer& opened);
    void run(progress& into);
    buffer take_output();

    ssl_st* const ssl_;
    bio_st* in_;   // owned by ssl_
    bio_st* out_;  // owned by ssl_
    const std::string own_name_;
    std::string asked_for_;
    const bool wrong_;
    uint8_t head_[5]{};  // of the record that is being sent
    size_t head_size_ = 0, body_left_ = 0;
    size_t sent_ = 0, arrived_ = 0;
    std::deque<step> steps_;  // to come
    bool failed_ = false, misled_ = false;
};

// What a node shows to its clients.
class sim_tls_host {
  public:
    enum class shown : uint8_t { own, of_another_name, of_an_unknown_issuer };
    static constexpr unsigned wrong_ones = 2;

    sim_tls_host(const sim_tls_rules& rules, unsigned node) : rules_(rules), node_(node) {}
    static std::string name_of(unsigned node) { return "s" + std::to_string(node + 1) + ".sim"; }

    void restart();  // what was earned in a former life is worth nothing in the next
    void show(shown which) noexcept { shows_ = which; }
    std::unique_ptr<sim_tls> accept();

  private:
    const sim_tls_rules& rules_;
    const unsigned node_;
    shown shows_ = shown::own;
};

}  // namespace aero::tests
