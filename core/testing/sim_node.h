// A node of the simulated cluster: answers info, records and batches one request at a time per connection, well or
// badly, as its manners are.
#pragma once

#include <list>
#include <map>
#include <set>
#include <string>

#include "testing/info_script.h"
#include "testing/sim_door.h"
#include "testing/sim_model.h"
#include "testing/sim_network.h"

namespace aero::tests {

// How badly servers behave. Chances are per request, or per row where that makes sense.
struct sim_manners {
    double refuse_record = 0;  // 11, 14 or 18, nothing done
    double unknown_code = 0;   // a code that no client knows, nothing done
    double time_out = 0;       // 9, done or not
    double refuse_batch = 0;   // the whole message: 150, 151, 152 or 4
    double forget_row = 0;     // done, but left out of the reply
    double wrong_row = 0;      // a row comes twice or names an index that was not asked for
    double garbage = 0;
    double hang_up = 0;  // done, but closed instead of answered
    double hang = 0;     // takes up to three seconds
    double refuse_login = 0;
    double packs_badly = 0;  // compressed frames that are not what they say, or were damaged
    bool compresses = true;  // false: refuses what is compressed, and asks nobody to unpack
    bool strict = false;     // refuses records that it does not own
};

class sim_node final : public sim_service {
  public:
    sim_node(sim_world& world, sim_network& network, sim_model& model, const sim_manners& manners,
             const sim_door_rules& rules, const sim_tls_rules& tls, unsigned index);

    std::string name() const { return "S" + std::to_string(index_ + 1); }
    const std::string& host() const noexcept { return host_; }
    wire::host tended_at() const { return {host_, tls_rules_.on ? sim_tls_port : sim_clear_port}; }
    std::string tls_name() const { return tls_rules_.on ? sim_tls_host::name_of(index_) : ""; }
    bool up() const noexcept { return up_; }
    uint64_t life() const noexcept { return life_; }

    void die(sim_network::death how);
    void start(const std::string& host);  // not ready until it learns
    void freeze();
    void thaw();
    void show_certificate(sim_tls_host::shown which) noexcept { tls_.show(which); }
    // What it knows of the cluster from now on.
    struct knowledge {
        std::vector<wire::peer> peers;
        wire::replica_claim claim;
    };
    void learn(knowledge what);
    enum class lie : uint8_t { owns_all, owns_nothing, broken_map, ghost_peer, wrong_peer_address, broken_peers };
    static constexpr unsigned lies = 6;
    void tell(lie which);
    void tell_the_truth() { learn(knows_); }
    void hurry();  // what hangs is answered now
    void forget_sessions() { door_.forget_sessions(); }

    void on_bytes(connection_id id, byte_view bytes) override;
    void on_gone(connection_id id) override {
        inputs_.erase(id);
        door_.gone(id);
    }

  private:
    struct input {
        buffer bytes;
        bool busy = false;
    };
    struct answered {
        uint32_t index;
        uint8_t code;
        std::optional<uint64_t> seen;
    };
    struct work {
        connection_id id;
        uint64_t life;
        bool known;  // the door let it through when it came
        buffer frame;
    };
    std::vector<std::string> addresses() const;
    void tell_peers(const std::vector<wire::peer>& peers);
    void serve(connection_id id);
    void end_serving(uint64_t work);
    void execute(const work& what);
    void answer(const work& what, buffer& reply);
    void answer_message(byte_view body, buffer& reply);
    void pack(const work& what, buffer& reply);
    void answer_rows(std::vector<answered> rows, buffer& reply);
    uint8_t do_one(const sim_asked& what, std::optional<uint64_t>& seen);
    bool owns(const digest& key) const;
    void next_generation();

    sim_world& world_;
    sim_network& network_;
    sim_model& model_;
    const sim_manners& manners_;
    const unsigned index_;
    const sim_tls_rules& tls_rules_;
    sim_random chances_;
    std::string host_;
    bool up_ = false;
    uint64_t life_ = 0;  // counts starts: what was asked of a former life is not answered by the next
    uint64_t generation_ = 0;
    knowledge knows_;
    info_script script_;
    sim_door door_;
    sim_tls_host tls_;
    std::map<connection_id, input> inputs_;
    std::vector<uint64_t> refused_;   // writes that the reply being made refuses
    std::map<uint64_t, work> works_;  // requests being served
    uint64_t last_work_ = 0;
};

}  // namespace aero::tests
