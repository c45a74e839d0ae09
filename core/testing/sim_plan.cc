#include "testing/sim_plan.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "testing/sim_cluster.h"

namespace aero::tests {
namespace {

using family = sim_call::family;
using kind = sim_fault::kind;

constexpr std::array<const char*, 5> family_names{"get", "put", "batch read", "batch write", "info"};
constexpr std::array<const char*, sim_fault::kinds> kind_names{
    "connections are refused",
    "connects are lost",
    "connections are accepted late",
    "connections stall",
    "connections are cut",
    "the network is slow",
    "there are no descriptors left",
    "the network is unreachable",
    "nodes refuse records",
    "nodes give codes that nobody knows",
    "nodes time out",
    "nodes refuse batches",
    "nodes forget rows",
    "nodes answer wrong rows",
    "nodes answer garbage",
    "nodes hang up instead of answering",
    "nodes answer late",
    "is killed",
    "loses its power",
    "moves to another address",
    "stands still",
    "the cluster parts",
    "partitions migrate",
    "lies about the cluster",
    "the wall clock jumps",
    "names resolve slowly",
    "is busy elsewhere",
    "closes its client",
    "the client is closed",
    "nodes refuse logins",
    "nodes forget their sessions",
    "records are damaged",
    "shows a wrong certificate",
    "nodes compress badly",
    "nodes refuse what is compressed",
};

std::string ms(nanos time) { return time == never ? "never" : std::to_string(time / from_ms(1)) + " ms"; }

transport_policy draw_policy(sim_random& from) {
    transport_policy made;
    made.total_timeout_ms = static_cast<uint32_t>(1 + from.below(1500));
    made.socket_timeout_ms = from.chance(0.5) ? 0 : static_cast<uint32_t>(1 + from.below(800));
    made.max_retries = static_cast<uint32_t>(from.below(4));
    made.sleep_between_retries_ms = from.chance(0.5) ? 0 : static_cast<uint32_t>(from.below(60));
    made.timeout_delay_ms = from.chance(0.5) ? 0 : 3000;
    constexpr replica_policy policies[] = {replica_policy::master, replica_policy::sequence, replica_policy::random,
                                           replica_policy::prefer_rack};
    made.replica = policies[from.below(4)];
    return made;
}

sim_call draw_call(sim_random& from, const sim_plan& plan, const transport_policy& usual) {
    sim_call made;
    constexpr std::array<family, 9> families{family::read_one,  family::read_one,   family::read_one,
                                             family::write_one, family::write_one,  family::read_many,
                                             family::read_many, family::write_many, family::info};
    made.what = families[from.below(families.size())];
    made.actor = static_cast<unsigned>(from.below(plan.threads + plan.loops));
    made.policy = from.chance(0.5) ? usual : draw_policy(from);
    size_t count = 1;
    if (made.what == family::read_many) count = 1 + from.below(from.chance(0.1) ? 1500 : 60);
    if (made.what == family::write_many) count = 1 + from.below(40);
    for (size_t i = 0; i < count; ++i) made.keys.push_back(static_cast<unsigned>(from.below(sim_keys)));
    const bool reads = made.what == family::read_one || made.what == family::read_many;
    if (made.actor >= plan.threads && reads && from.chance(0.3))
        made.together = 2 + static_cast<unsigned>(from.below(made.what == family::read_one ? 40 : 5));
    if (from.chance(0.1)) made.cancel_after = from.between(0, from_ms(made.policy.total_timeout_ms));
    made.with_times = plan.config.max_concurrent_operations != 0 || from.chance(0.3);
    return made;
}

sim_item draw_fault(sim_random& from, const sim_plan& plan) {
    sim_item made;
    sim_fault fault;
    fault.what = static_cast<kind>(from.below(sim_fault::kinds_for_all));
    made.at = from.between(plan.storm_before_open ? -from_ms(200) : 0, sim_plan::storm);
    fault.until = from.chance(0.3) ? never : from.between(made.at, sim_plan::storm);
    fault.chance = static_cast<double>(1 + from.below(30)) / 100;
    fault.which = static_cast<unsigned>(from.below(plan.nodes));
    fault.detail = static_cast<unsigned>(from.random() >> 33);
    switch (fault.what) {
        case kind::garbage:
        case kind::forget_row:
        case kind::wrong_row: fault.chance /= 10; break;
        case kind::no_descriptors:
        case kind::unreachable: fault.until = std::min(fault.until, made.at + from_ms(500)); break;
        // The first node keeps its address: somebody must be where the seeds are.
        case kind::move: fault.which = std::max(fault.which, std::min(1u, plan.nodes - 1)); break;
        case kind::busy_loop:
            fault.which = plan.loops == 0 ? 0 : static_cast<unsigned>(from.below(plan.loops));
            fault.until = made.at + from.between(from_ms(1), from_ms(150));
            break;
        case kind::close_loop: fault.which = plan.loops == 0 ? 0 : static_cast<unsigned>(from.below(plan.loops)); break;
        default: break;
    }
    if (fault.what == kind::move && plan.nodes == 1) fault.what = kind::kill;
    made.what = fault;
    return made;
}

client_config draw_config(sim_random& from, unsigned nodes) {
    client_config made;
    made.tend_interval_ms = static_cast<uint32_t>(200 + from.below(800));
    made.connect_timeout_ms = static_cast<uint32_t>(200 + from.below(1500));
    made.connections_per_node_max = static_cast<uint32_t>(from.chance(0.6) ? 1 + from.below(6) : 256);
    if (from.chance(0.5)) made.connecting_per_node_max = static_cast<uint32_t>(1 + from.below(3));
    if (from.chance(0.3)) made.retry_reserve = static_cast<uint32_t>(from.below(2000));
    made.idle_timeout_s = static_cast<uint32_t>(1 + from.below(10));
    if (from.chance(0.25)) made.max_concurrent_operations = static_cast<uint32_t>(1 + from.below(5));
    if (from.chance(0.3)) made.operation_queue_timeout_ms = static_cast<uint32_t>(1 + from.below(2000));
    made.merge_concurrent_reads = from.chance(0.8);
    if (from.chance(0.2)) made.rack_ids = {1, 2};
    if (from.chance(0.3)) made.hosts.push_back({"seeds.example", 3000});
    if (from.chance(0.1)) made.hosts.push_back({"unknown.example", 3000});
    for (unsigned node = 0; node < nodes; ++node) {
        if (node == 0 || from.chance(0.5)) made.hosts.push_back({sim_cluster::home_of(node), 3000});
    }
    return made;
}

// Users, in one run of four. Drawn apart, so that the other runs are what they were before there were users.
void draw_door(sim_plan& plan) {
    sim_random from(sim_random::mix(plan.seed, 2));
    if (!from.chance(0.25)) return;
    plan.door = {.guarded = true, .session_ttl_s = from.chance(0.5) ? 0 : static_cast<uint32_t>(1 + from.below(5))};
    plan.config.user = sim_user;
    plan.config.password = secret("a secret");
    for (const kind what : {kind::refuse_login, kind::forget_sessions}) {
        if (from.chance(0.5)) continue;
        const nanos at = from.between(plan.storm_before_open ? -from_ms(200) : 0, sim_plan::storm);
        plan.items.push_back({.at = at,
                              .what = sim_fault{.what = what,
                                                .until = from.between(at, sim_plan::storm),
                                                .chance = static_cast<double>(1 + from.below(90)) / 100}});
    }
}

// TLS, in one run of four, and drawn apart as well. Without a build that has it there is none.
void draw_tls(sim_plan& plan) {
    sim_random from(sim_random::mix(plan.seed, 5));
#ifdef AERO_HAVE_OPENSSL
    if (!from.chance(0.25)) return;
#else
    return;
#endif
    plan.tls = {.on = true, .older = from.chance(0.4), .for_login_only = plan.door.guarded && from.chance(0.5)};
    plan.config.tls.enable = true;
    plan.config.tls.cadata = sim_authority();
    plan.config.tls.for_login_only = plan.tls.for_login_only;
    for (host& each : plan.config.hosts) {
        each.port = sim_tls_port;
        const size_t digit = each.name.find_last_of('.') + 1;  // names lead to the first node
        const unsigned node = each.name.starts_with("10.0.0.") ? static_cast<unsigned>(each.name[digit] - '1') : 0;
        each.tls_name = sim_tls_host::name_of(node);
    }
    for (const kind what : {kind::damage, kind::wrong_certificate}) {
        if (from.chance(0.5)) continue;
        const nanos at = from.between(plan.storm_before_open ? -from_ms(200) : 0, sim_plan::storm);
        plan.items.push_back({.at = at,
                              .what = sim_fault{.what = what,
                                                .until = from.chance(0.3) ? never : from.between(at, sim_plan::storm),
                                                .chance = static_cast<double>(1 + from.below(20)) / 100,
                                                .which = static_cast<unsigned>(from.below(plan.nodes)),
                                                .detail = static_cast<unsigned>(from.random() >> 33)}});
    }
}

// Compressed messages, in one run of four, likewise.
void draw_compression(sim_plan& plan) {
    sim_random from(sim_random::mix(plan.seed, 6));
#ifdef AERO_HAVE_ZLIB
    if (!from.chance(0.25)) return;
#else
    return;
#endif
    plan.compressed = from.chance(0.5) ? 1 : 0.5;
    for (sim_item& each : plan.items)
        if (auto* call = std::get_if<sim_call>(&each.what)) call->policy.compress = from.chance(plan.compressed);
    for (const kind what : {kind::pack_badly, kind::no_compression}) {
        if (from.chance(0.6)) continue;
        const nanos at = from.between(plan.storm_before_open ? -from_ms(200) : 0, sim_plan::storm);
        plan.items.push_back({.at = at,
                              .what = sim_fault{.what = what,
                                                .until = from.between(at, sim_plan::storm),
                                                .chance = static_cast<double>(1 + from.below(30)) / 100}});
    }
}

// Hedged reads and limits that adapt, in one run of three each, and no early tends in one of ten, all drawn apart for
// the same reason.
void draw_flow(sim_plan& plan) {
    sim_random from(sim_random::mix(plan.seed, 3));
    plan.config.adaptive_concurrency = sim_random(sim_random::mix(plan.seed, 4)).chance(0.34);
    plan.config.early_tend = !sim_random(sim_random::mix(plan.seed, 7)).chance(0.1);
    if (!from.chance(0.34)) return;
    hedge_config& made = plan.config.hedged_reads;
    if (from.chance(0.7))
        made.after_ms = static_cast<uint32_t>(1 + from.below(60));
    else
        made.percentile = static_cast<double>(30 + from.below(70));
    made.share = from.chance(0.5) ? 1 : static_cast<double>(1 + from.below(50)) / 100;
}

}  // namespace

sim_plan sim_plan::draw(uint64_t seed) {
    sim_random from(sim_random::mix(seed, 1));
    sim_plan made;
    made.seed = seed;
    made.nodes = 1 + static_cast<unsigned>(from.below(5));
    made.replicas = 1 + static_cast<unsigned>(from.below(3));
    made.threads = static_cast<unsigned>(from.below(5));
    made.loops = static_cast<unsigned>(made.threads == 0 ? 1 + from.below(2) : from.below(3));
    made.storm_before_open = from.chance(0.2);
    made.strict_nodes = from.chance(0.4);
    made.partial = from.chance(0.7) ? 0.3 : 0;
    made.delay_max = from.chance(0.5) ? 400'000 : from.between(50'000, from_ms(20));
    if (from.chance(0.5)) made.busy_max = static_cast<uint32_t>(1 + from.below(4));
    if (from.chance(0.1)) made.queued_max = static_cast<uint32_t>(1 + from.below(10));
    made.config = draw_config(from, made.nodes);
    const transport_policy usual = draw_policy(from);
    const uint64_t calls = 10 + from.below(70);
    const uint64_t faults = from.chance(0.1) ? 0 : 1 + from.below(8);
    for (uint64_t i = 0; i < calls + faults; ++i) {
        sim_random own(sim_random::mix(seed, 100 + i));
        if (i < faults)
            made.items.push_back(draw_fault(own, made));
        else
            made.items.push_back({.at = own.between(0, storm), .what = draw_call(own, made, usual)});
    }
    draw_door(made);
    draw_tls(made);
    draw_compression(made);
    draw_flow(made);
    return made;
}

void sim_plan::leave_out(const std::set<unsigned>& which) {
    std::vector<sim_item> kept;
    for (unsigned i = 0; i < items.size(); ++i)
        if (!which.contains(i)) kept.push_back(items[i]);
    items = std::move(kept);
}

std::string sim_item::text() const {
    if (const sim_call* call = std::get_if<sim_call>(&what)) {
        std::string made = family_names[static_cast<size_t>(call->what)];
        if (call->keys.size() > 1) made += " of " + std::to_string(call->keys.size()) + " rows";
        if (call->together > 1) made += ", " + std::to_string(call->together) + " of them at once";
        made += ", within " + std::to_string(call->policy.total_timeout_ms) + " ms (an attempt within " +
                std::to_string(call->policy.socket_timeout_ms) + "), " + std::to_string(call->policy.max_retries) +
                " retries" + (call->policy.compress ? ", compressed" : "");
        if (call->cancel_after != never) made += ", cancelled after " + ms(call->cancel_after);
        return made;
    }
    const sim_fault& fault = std::get<sim_fault>(what);
    std::string made = kind_names[static_cast<size_t>(fault.what)];
    if (fault.what <= kind::hang || fault.what == kind::refuse_login || fault.what == kind::damage ||
        fault.what == kind::pack_badly)
        made += " (" + std::to_string(static_cast<int>(fault.chance * 100)) + " %)";
    const bool of_node = (fault.what >= kind::kill && fault.what <= kind::freeze) || fault.what == kind::lie ||
                         fault.what == kind::wrong_certificate;
    if (of_node) made = "node S" + std::to_string(fault.which + 1) + " " + made;
    if (fault.what == kind::busy_loop || fault.what == kind::close_loop)
        made = "loop " + std::to_string(fault.which + 1) + " " + made;
    return made;
}

std::string sim_plan::text() const {
    return std::to_string(nodes) + " nodes, " + std::to_string(replicas) + " replicas, " + std::to_string(threads) +
           " threads, " + std::to_string(loops) + " loops; tend every " + std::to_string(config.tend_interval_ms) +
           (config.early_tend ? " ms, connect within " : " ms and never early, connect within ") +
           std::to_string(config.connect_timeout_ms) + " ms, at most " +
           std::to_string(config.connections_per_node_max) + " connections a node, " +
           (config.max_concurrent_operations == 0
                ? "calls without limit"
                : std::to_string(config.max_concurrent_operations) + " calls at once") +
           (config.hedged_reads.on() ? ", reads are hedged" : "") +
           (config.adaptive_concurrency ? ", the limits of nodes adapt" : "") +
           (strict_nodes ? ", nodes refuse what they do not own" : "") + (door.guarded ? ", users log in" : "") +
           (!tls.on     ? ""
            : tls.older ? ", TLS 1.2"
                        : ", TLS 1.3") +
           (tls.for_login_only ? " for logins" : "") + (compressed > 0 ? ", calls are compressed" : "");
}

}  // namespace aero::tests
