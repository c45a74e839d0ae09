#include "testing/simulation.h"

#include <algorithm>

#include "base/chance.h"
#include "client/client_shared.h"
#include "metrics/counters.h"

namespace aero::tests {
namespace {

// Longest call, reply of a cancelled one, and a hanging node.
constexpr nanos all_calls_end_within = from_ms(12'000);

sim_call probe_of(sim_call::family what, unsigned key) {
    sim_call made;
    made.what = what;
    made.policy.total_timeout_ms = 500;
    made.policy.max_retries = 0;
    made.keys.assign(1, key);
    return made;
}

// Every key so many times over.
sim_call batch_probe_of(sim_call::family what, unsigned times) {
    sim_call made = probe_of(what, 0);
    made.keys.clear();
    for (unsigned i = 0; i < times * sim_keys; ++i) made.keys.push_back(i % sim_keys);
    return made;
}

}  // namespace

simulation::simulation(sim_plan plan)
    : plan_(std::move(plan)),
      world_(plan_.seed),
      network_(world_),
      servers_(world_, network_, plan_.nodes, plan_.replicas, plan_.door, plan_.tls),
      fibers_(world_),
      kernel_(world_, fibers_, network_),
      judge_(servers_.model()) {
    kernel_.seen_request = [this](byte_view request, bool in_clear) { look_at_request(request, in_clear); };
    cluster::restart_rotation();
    restart_chance(plan_.seed);
    restart_tls(plan_.seed);
    steer();
    kernel_.set_names({{"seeds.example", {"10.9.0.1", "10.0.0.1"}}});
    for (unsigned key = 0; key < sim_keys; key += 2)
        servers_.model().apply(sim_judge::digest_of_key(key), judge_.next_value(key), world_.now());
}

simulation::~simulation() = default;

void simulation::tell(const std::string& what) {
    if (!story_) return;
    const nanos at = (world_.now() - sim_world::begin) / 1000;
    std::string time = std::to_string(at % 1'000'000);
    time.insert(0, 6 - time.size(), '0');
    story_("+" + std::to_string(at / 1'000'000) + "." + time + " s  " + what);
}

void simulation::run(std::function<void(const std::string&)> story) {
    story_ = std::move(story);
    if (story_) {
        judge_.story = [this](const std::string& what) { tell(what); };
        tell(plan_.text());
    }
    fibers_.start("the conductor", [this] { conduct(); });
    const nanos end = world_.now() + from_ms(60'000);
    while (!finished_ && judge_.failures().empty() && world_.step(end)) {
        look();
    }
    if (!finished_ && judge_.failures().empty()) {
        std::string names;
        for (const std::string& each : fibers_.waiting()) names += (names.empty() ? "" : ", ") + each;
        judge_.fail("hang", "these wait for ever: " + names);
    }
}

// ---------------------------------------------------------------- the conductor

void simulation::wait_until(nanos when) {
    while (world_.now() < when) fibers_.sleep(when);
}

bool simulation::wait_for(const std::function<bool()>& what, nanos until) {
    while (!what() && world_.now() < until) wait_until(std::min(until, world_.now() + from_ms(1)));
    return what();
}

bool simulation::open_client() {
    const nanos began = world_.now();
    auto opened = client::open(plan_.config);
    const nanos took = world_.now() - began;
    if (took > from_ms(plan_.config.connect_timeout_ms) + sim_judge::tick)
        judge_.fail("late", "opening took longer than connect_timeout");
    if (opened) client_ = std::make_unique<client>(std::move(*opened));
    tell(opened ? "the client is open" : "the client could not be opened: " + opened.error().text);
    if (!opened && opened.error().text.empty()) judge_.fail("error", "opening failed without a reason");
    return client_ != nullptr;
}

void simulation::conduct() {
    storm_ = world_.now() + from_ms(300);
    schedule_faults();
    // A storm that is there first is opened into; a client needs not get through it.
    if (plan_.storm_before_open) wait_until(storm_);
    while (!open_client() && world_.now() < storm_ + sim_plan::storm) wait_until(world_.now() + from_ms(200));
    wait_until(storm_);
    if (client_ != nullptr) start_actors();
    wait_until(storm_ + sim_plan::storm);
    heal();
    const nanos healed_at = world_.now();
    const auto all_ended = [&] {
        return std::ranges::all_of(threads_, [](const auto& each) { return each->ended(); }) &&
               std::ranges::all_of(loops_, [](const auto& each) { return each->idle(); });
    };
    if (!wait_for(all_ended, healed_at + all_calls_end_within)) judge_.fail("late", "calls never ended");
    wait_for([&] { return servers_.agreed(); }, world_.now() + from_ms(5000));
    if (client_ == nullptr || !client_->is_open()) {
        close_all();
        if (!open_client()) judge_.fail("service", "the client cannot be opened after the storm");
        if (client_ == nullptr) return;
    }
    nanos working_at = std::max(healed_at, servers_.agreed_at()) + from_ms(2 * int64_t{plan_.config.tend_interval_ms});
    // Where a node moved away from an address that swallows packets, knowing it takes one connect's time.
    if (network_.swallows()) working_at += from_ms(std::min<uint32_t>(plan_.config.connect_timeout_ms, 2000));
    wait_until(working_at);
    probe();
    check_hedges();
    check_rest();
    close_all();
    judge_.check_the_end(plan_.config.max_concurrent_operations);
    finished_ = true;
}

void simulation::start_actors() {
    std::vector<std::vector<timed_call>> calls(plan_.threads + plan_.loops);
    for (const sim_item& each : plan_.items)
        if (const auto* call = std::get_if<sim_call>(&each.what))
            calls[call->actor].push_back({.at = storm_ + std::max<nanos>(each.at, 0), .what = *call});
    for (unsigned i = 0; i < plan_.threads; ++i)
        threads_.push_back(std::make_unique<sim_thread>(kernel_, judge_, *client_, "thread " + std::to_string(i + 1),
                                                        std::move(calls[i])));
    for (unsigned i = 0; i < plan_.loops; ++i)
        loops_.push_back(std::make_unique<sim_loop>(kernel_, judge_, *client_, "loop " + std::to_string(i + 1), plan_,
                                                    calls[plan_.threads + i]));
}

void simulation::heal() {
    healed_ = true;
    under_way_.clear();
    steer();
    network_.heal();
    servers_.heal();
    kernel_.set_lookup_time(from_ms(5));
    tell("the storm is over");
}

// After two tend intervals of fair weather everything works at the first try.
void simulation::probe() {
    tell("two tend intervals later everything must work");
    judge_.quiet = true;
    for (unsigned key = 0; key < sim_keys; ++key)
        probe_with(probe_of(key % 3 == 0 ? sim_call::family::write_one : sim_call::family::read_one, key), "the probe");
    probe_with(batch_probe_of(sim_call::family::read_many, 1), "the probe");
    probe_with(batch_probe_of(sim_call::family::write_many, 1), "the probe");
    probe_together();
    for (const auto& each : loops_) probe_loop(*each);
    judge_.quiet = false;
    for (const auto& each : client_->handle()->cluster->current()->nodes)
        if (each->health.open()) judge_.fail("service", "after the storm reads still pass over " + each->name());
}

void simulation::probe_with(const sim_call& how, const std::string& who) {
    sim_running& call = judge_.begin(how, who, world_.now());
    const call_outcome outcome = sim_thread::execute(*client_, how, call, nullptr);
    judge_.ended(call, outcome, world_.now());
    if (outcome.failure != nullptr) judge_.fail("service", "after the storm a call fails: " + outcome.failure->text);
    for (const row_result& row : outcome.batch.rows)
        if (row.code != 0 && row.code != 2) judge_.fail("service", "after the storm a row fails");
}

// Batches that want more connections than there may be: of one thread, and of threads that stand in each other's way.
void simulation::probe_together() {
    constexpr unsigned most = 3;
    const uint32_t limit = plan_.config.max_concurrent_operations;
    const unsigned at_once = limit == 0 ? most : std::min(most, limit);
    unsigned left = at_once;
    for (unsigned i = 0; i < at_once; ++i)
        fibers_.start("a prober", [&, i] {
            probe_with(batch_probe_of(sim_call::family::read_many, i == 0 ? 15 : 1), "prober " + std::to_string(i + 1));
            --left;
        });
    wait_for([&] { return left == 0; }, world_.now() + from_ms(5000));
}

void simulation::probe_loop(sim_loop& with) {
    if (with.closed()) return;
    const size_t before = judge_.calls().size();
    const uint64_t failed = judge_.counted().failed;
    // One after the other: the limits of this run may be tight.
    for (unsigned key = 0; key < sim_keys; ++key) {
        with.submit(probe_of(key % 3 == 0 ? sim_call::family::write_one : sim_call::family::read_one, key));
        wait_for([&] { return with.idle(); }, world_.now() + from_ms(2000));
    }
    if (judge_.calls().size() < before + sim_keys || judge_.counted().failed != failed)
        judge_.fail("service", "after the storm calls of a loop fail");
}

// What is asked of a second replica stays within its share of the records read, counted by who asked for them.
void simulation::check_hedges() {
    uint64_t reads = 0;
    for (const sim_running& call : judge_.calls()) reads += call.writes() ? 0 : call.keys.size();
    const uint64_t hedges = metrics::count_of(metrics::event::hedge_sent);
    const double share = plan_.config.hedged_reads.on() ? plan_.config.hedged_reads.share : 0;
    if (static_cast<double>(hedges) > share * static_cast<double>(reads))
        judge_.fail("share", std::to_string(hedges) + " times a second replica was asked in " + std::to_string(reads) +
                                 " reads");
}

// At rest: who has a slot has a socket, and nobody else.
void simulation::check_rest() {
    wait_until(world_.now() + from_ms(5000));  // replies of calls that let go are read until then
    size_t counted = 0;
    for (const auto& [which, known] : nodes_) {
        const auto held = known.lock();
        if (held == nullptr) continue;
        counted += held->connections();
        if (!held->active() && held->connections() != 0)
            judge_.fail("leak", "a node that left still counts " + std::to_string(held->connections()) +
                                    " connections: " + held->address_text());
    }
    const size_t links = client_->node_names().size();
    if (links != servers_.size())
        judge_.fail("service",
                    "the client knows " + std::to_string(links) + " of " + std::to_string(servers_.size()) + " nodes");
    if (tls_connections_alive() > kernel_.open_sockets() + network_.secured())
        judge_.fail("leak", std::to_string(tls_connections_alive() - network_.secured()) + " TLS connections for " +
                                std::to_string(kernel_.open_sockets()) + " sockets");
    if (counted + links != kernel_.open_sockets())
        judge_.fail("leak", std::to_string(kernel_.open_sockets()) + " sockets are open, " + std::to_string(counted) +
                                " are counted and " + std::to_string(links) + " tend");
}

void simulation::close_all() {
    for (const auto& each : loops_) each->stop();
    wait_for([&] { return std::ranges::all_of(loops_, [](const auto& each) { return each->ended(); }); },
             world_.now() + from_ms(5000));
    // Kept for what was asked of them and is still to come.
    for (auto& each : loops_) gone_loops_.push_back(std::move(each));
    loops_.clear();
    threads_.clear();
    if (client_ != nullptr) client_->close();
    client_.reset();
    seen_version_ = 0;
    judge_.masters_known_since = never;
    wait_for([&] { return kernel_.open_files() == 0; }, world_.now() + from_ms(12'000));
    if (kernel_.open_files() != 0)
        judge_.fail("leak", std::to_string(kernel_.open_files()) + " descriptors are open after the client has gone");
    if (tls_connections_alive() != network_.secured()) judge_.fail("leak", "TLS connections outlive the client");
    for (const auto& [which, known] : nodes_)
        if (const auto held = known.lock(); held != nullptr && held->connections() + held->connecting() != 0)
            judge_.fail("leak", "a node still counts connections after the client has gone");
    nodes_.clear();
    kept_nodes_.clear();
    if (fibers_.waiting().size() > 1) judge_.fail("leak", "a thread is left after the client has gone");
}

}  // namespace aero::tests
