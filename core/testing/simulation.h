// One run: a cluster, a network and a client's machine, the client with its threads and loops, a storm of faults, fair
// weather after it, and the question whether everything is as it was promised.
#pragma once

#include <map>
#include <memory>

#include "cluster/cluster.h"
#include "testing/sim_actors.h"
#include "testing/sim_cluster.h"

namespace aero::tests {

class simulation {
  public:
    explicit simulation(sim_plan plan);
    ~simulation();

    // Tells what happens, line by line, when it is given.
    void run(std::function<void(const std::string&)> story = {});
    const std::vector<sim_failure>& failures() const noexcept { return judge_.failures(); }
    const sim_judge::figures& counted() const noexcept { return judge_.counted(); }
    uint64_t trace() const noexcept { return judge_.trace(); }

  private:
    // conduct: what the main fiber does
    void conduct();
    bool open_client();
    void start_actors();
    void wait_until(nanos when);
    bool wait_for(const std::function<bool()>& what, nanos until);
    void heal();
    void probe();
    void probe_with(const sim_call& how, const std::string& who);
    void probe_together();
    void probe_loop(sim_loop& with);
    void check_hedges();
    void check_rest();
    void close_all();
    // faults
    void schedule_faults();
    void begin(const sim_fault& fault);
    void end(const sim_fault& fault);
    void steer();  // weather and manners by the faults under way
    // every step
    void look();
    void look_at_nodes();
    void look_at_request(byte_view request, bool in_clear);
    void tell(const std::string& what);

    const sim_plan plan_;
    sim_world world_;
    sim_network network_;
    sim_cluster servers_;
    sim_fibers fibers_;
    sim_kernel kernel_;
    sim_judge judge_;
    std::function<void(const std::string&)> story_;
    std::unique_ptr<client> client_;
    std::vector<std::unique_ptr<sim_thread>> threads_;
    std::vector<std::unique_ptr<sim_loop>> loops_, gone_loops_;
    std::map<const cluster::node*, std::weak_ptr<cluster::node>> nodes_;  // that the client knows or knew
    // Every other run keeps them, so that their counts can be read after they left; the others let the client alone
    // decide, so that a sanitizer sees who uses a node that is gone.
    std::vector<std::shared_ptr<cluster::node>> kept_nodes_;
    uint64_t seen_version_ = 0;
    std::vector<const sim_fault*> under_way_;
    nanos storm_ = 0;  // begin
    bool healed_ = false, finished_ = false;
};

}  // namespace aero::tests
