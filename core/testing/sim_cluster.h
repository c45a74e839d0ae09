// Nodes of the simulated world: they answer info, records and batches, die, come back, and share out partitions anew.
//
// All nodes work on one model of the data, as a cluster that replicates before it answers does; a node that does not
// own a record answers as if it had asked the owner. The model remembers every write and when it was applied, so that a
// test can say afterwards which answers were possible.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "testing/info_script.h"
#include "testing/sim_network.h"
#include "wire/batch.h"
#include "wire/digest.h"

namespace aero::tests {

// Every record holds one integer bin. What was written when, by record.
class sim_model {
  public:
    void apply(const digest& key, uint64_t value, nanos when);
    bool was_applied(uint64_t value) const { return applied_.contains(value); }
    std::optional<uint64_t> current(const digest& key) const;
    // Whether a read that ran between these times may have seen this; nothing stands for "no record".
    bool could_be_seen(const digest& key, std::optional<uint64_t> value, nanos from, nanos until) const;

  private:
    struct change {
        nanos when;
        uint64_t value;
    };
    std::map<digest, std::vector<change>> history_;
    std::set<uint64_t> applied_;
};

// How badly servers behave. Chances are per request, or per row where that makes sense.
struct sim_manners {
    double refuse_record = 0;  // 11, 14 or 18, nothing done
    double time_out = 0;       // 9, done or not
    double refuse_batch = 0;   // the whole message: 150, 151, 152 or 4
    double forget_row = 0;     // done, but left out of the reply
    double garbage = 0;
    double hang = 0;  // takes up to three seconds
};

class sim_cluster {
  public:
    sim_cluster(sim_world& world, sim_network& network, unsigned nodes, unsigned replicas);
    ~sim_cluster();

    static io::endpoint address_of(unsigned node);
    void set_manners(const sim_manners& manners) { manners_ = manners; }
    // The others notice after a while and share out the partitions anew.
    void kill(unsigned node);
    void start(unsigned node);
    bool alive(unsigned node) const;
    unsigned size() const noexcept { return static_cast<unsigned>(nodes_.size()); }
    std::string master_of(unsigned partition) const;  // when all have agreed
    sim_model& model() noexcept { return model_; }

  private:
    struct node;
    void rebalance();
    void learn(node& who, std::vector<unsigned> members, uint64_t round);

    sim_world& world_;
    sim_network& network_;
    const unsigned replicas_;
    sim_manners manners_;
    sim_model model_;
    std::list<node> nodes_;
    std::vector<unsigned> members_;  // as of the last rebalance
    uint64_t round_ = 0;
};

}  // namespace aero::tests
