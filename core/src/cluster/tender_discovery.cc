// How the tender comes to know nodes: seeds, the peers that members name, and the addresses that seeds give as their
// own.
#include <netinet/in.h>

#include <algorithm>

#include "base/planted.h"
#include "cluster/tender.h"

namespace aero::cluster {
namespace {

constexpr nanos not_ready_pause = from_ms(100);
constexpr std::array<unsigned, 4> oldest_build{4, 9, 0, 3};

bool is_loopback(const io::endpoint& at) noexcept {
    if (at.address.ss_family == AF_INET) {
        return ntohl(reinterpret_cast<const sockaddr_in&>(at.address).sin_addr.s_addr) >> 24 == 127;
    }
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(at.address).sin6_addr);
}

std::string text_of(const std::array<unsigned, 4>& build) {
    return std::to_string(build[0]) + "." + std::to_string(build[1]) + "." + std::to_string(build[2]) + "." +
           std::to_string(build[3]);
}

bool names(const wire::host& announced, const io::endpoint& at) {
    if (announced.port != at.port) return false;
    if (announced.name == at.host) return true;
    const auto numeric = io::numeric_endpoint(announced.name, announced.port);
    return numeric && numeric->same_address(at);
}

}  // namespace

bool tender::seed_pending(int seed) const noexcept {
    const auto still = [&](const auto& each) {
        return each.second.seed == seed && each.second.owner == nobody && each.second.state != link_state::held;
    };
    return std::ranges::any_of(links_, still) || std::ranges::any_of(lookups_, [&](const lookup& each) {
               return each.seed == seed && each.deadline != never;
           });
}

void tender::seed_failed(int seed, std::string why, code what) {
    if (seed < 0) return;
    known_seed& of = seeds_[static_cast<size_t>(seed)];
    of.why = std::move(why);
    of.what = what;
}

// All seeds at once, whenever there is no member to learn from.
void tender::start_seeds(nanos now) {
    if (!members_.empty() || lone_until_ != never) return;
    bool not_ready = false;
    for (size_t i = 0; i < seeds_.size(); ++i) {
        if (seed_pending(static_cast<int>(i))) return;
        not_ready |= seeds_[i].not_ready;
    }
    if (not_ready) seeds_at_ = std::min(seeds_at_, now + not_ready_pause);
    if (now < seeds_at_) return;
    seeds_at_ = now + interval_;
    for (size_t i = 0; i < seeds_.size(); ++i) {
        seeds_[i].not_ready = false;
        try_host({.at = seeds_[i].at, .tls_name = seeds_[i].tls_name, .seed = static_cast<int>(i)}, now);
    }
}

void tender::try_host(const candidate& which, nanos now) {
    const auto& [at, tls_name, seed, expected, moves_member] = which;
    if (auto numeric = io::numeric_endpoint(at.name, at.port)) {
        numeric->tls_name = tls_name;
        const auto same = [&](const auto& entry) {
            const link& each = entry.second;
            return each.owner == nobody && each.expected == which.expected && each.seed == which.seed &&
                   each.address.same_address(*numeric);
        };
        if (links_.size() >= links_max || std::ranges::any_of(links_, same)) return;
        link made{.id = 0, .address = *std::move(numeric)};
        made.seed = seed;
        made.expected = expected;
        made.moves_member = moves_member;
        open_link(std::move(made), now);
        return;
    }
    const auto same = [&](const lookup& each) {
        return each.at == which.at && each.expected == which.expected && each.seed == which.seed;
    };
    // A name that hangs is asked for once, however often it is wanted.
    if (lookups_.size() >= links_max || std::ranges::any_of(lookups_, same)) return;
    lookups_.push_back({.id = ++last_id_,
                        .at = at,
                        .tls_name = std::string(tls_name),
                        .seed = seed,
                        .expected = std::string(expected),
                        .moves_member = moves_member,
                        .deadline = now + conversation_max_});
    io::endpoint to;
    to.host = at.name;
    to.port = at.port;
    actions_.push_back({.what = action::kind::resolve, .id = last_id_, .to = std::move(to)});
}

void tender::resolved(link_id id, std::span<const io::endpoint> found, std::string why, nanos now) {
    const auto done = std::ranges::find(lookups_, id, &lookup::id);
    if (done == lookups_.end()) return;
    const lookup of = std::move(*done);
    lookups_.erase(done);
    if (found.empty()) seed_failed(of.seed, std::move(why));
    for (const io::endpoint& at : found) {
        if (links_.size() >= links_max) break;
        link made{.id = 0, .address = at};
        made.address.tls_name = of.tls_name;
        made.seed = of.seed;
        made.expected = of.expected;
        made.moves_member = of.moves_member;
        open_link(std::move(made), now);
    }
    decide(now);
}

// Tries the peers that members name and that are no members yet, or are members that no longer answer where they were.
void tender::discover(nanos now) {
    std::erase_if(retry_at_, [&](const auto& each) { return each.second <= now; });
    review_at_ = never;
    std::vector<candidate> wanted;  // views into the members
    for (const member& from : members_) {
        if (from.failures > 0) continue;
        for (const wire::peer& each : from.peers) {
            const member* known = find_member(each.node_id);
            if (known != nullptr && !lost(*known)) continue;
            for (const wire::host& at : each.hosts) {
                if (known != nullptr && names(at, known->at)) continue;
                const std::string key = each.node_id + '@' + at.name + ' ' + std::to_string(at.port);
                const auto [retry, due] = retry_at_.emplace(key, now + interval_);
                review_at_ = std::min(review_at_, retry->second);
                if (due) wanted.push_back({.at = at, .tls_name = each.tls_name, .expected = each.node_id});
            }
        }
    }
    for (const candidate& each : wanted) try_host(each, now);
}

// Why this node cannot be a member; empty when it can.
std::string tender::refusal_of(const link& from, const node_report& report) const {
    if (!from.expected.empty() && from.expected != report.name) {
        return "calls itself " + quoted(report.name) + " where " + quoted(from.expected) + " was announced";
    }
    if (report.build < oldest_build) {
        return "runs server " + text_of(report.build) + "; the oldest that is supported is " + text_of(oldest_build);
    }
    if (!config_.cluster_name.empty() && report.cluster_name != config_.cluster_name) {
        return "belongs to cluster " + quoted(report.cluster_name) + ", not " + quoted(config_.cluster_name);
    }
    if (report.partition_generation < 0) return "is not ready: its partition map is not initialised yet";
    return {};
}

void tender::judge_candidate(link& from, node_report&& report, nanos now) {
    std::string refused = refusal_of(from, report);
    if (refused.empty() && members_.size() >= nodes_max && find_member(report.name) == nullptr) {
        refused = "would be node " + std::to_string(nodes_max + 1) + " of the cluster, which is one too many";
    }
    if (!refused.empty()) {
        if (from.seed >= 0) {
            seeds_[static_cast<size_t>(from.seed)].not_ready = report.partition_generation < 0;
        }
        return fail_link(from.id, std::move(refused), now);
    }
    if (member* known = find_member(report.name)) {
        const bool same_address = known->at.same_address(from.address);
        if (planted(planted_bug::old_address)) return close_link(from.id);
        if (!same_address && (lost(*known) || from.moves_member)) return move_member(*known, from, report, now);
        return close_link(from.id);
    }
    if (from.seed >= 0 && report.peers.empty()) {
        if (members_.empty()) {
            // A node that sees no others may have been cut off: the other seeds get a moment to tell of a real cluster.
            if (lone_until_ == never) lone_until_ = now + lone_seed_grace;
            from.state = link_state::held;
            from.report = std::move(report);
            return;
        }
        return fail_link(from.id, "sees no peers and is no part of the cluster that the other seeds belong to", now);
    }
    adopt(from, std::move(report), now);
}

void tender::adopt_held(nanos now) {
    if (lone_until_ == never) return;
    bool others_pending = false;
    for (size_t i = 0; i < seeds_.size(); ++i) others_pending |= seed_pending(static_cast<int>(i));
    if (members_.empty() && others_pending && now < lone_until_) return;
    link* first = nullptr;
    std::vector<link_id> rest;
    for (auto& [id, each] : links_) {
        if (each.state != link_state::held) continue;
        if (first == nullptr || each.seed < first->seed) first = &each;
        rest.push_back(id);
    }
    lone_until_ = never;
    const bool taken = members_.empty() && first != nullptr;
    if (taken) {
        std::erase(rest, first->id);
        first->state = link_state::idle;
        adopt(*first, *std::exchange(first->report, std::nullopt), now);
    }
    for (const link_id id : rest) fail_link(id, "sees no peers and is no part of the cluster of the other seeds", now);
}

// A seed that does not list its own address stands behind a load balancer or a mapping: it is taken as it is at once,
// and moved when one of the addresses that it lists proves to be the same node.
void tender::check_services(const link& from, const node_report& report, nanos now) {
    if (from.seed < 0 || is_loopback(from.address)) return;
    const auto own = [&](const wire::host& each) { return names(each, from.address); };
    if (std::ranges::any_of(report.services, own)) return;
    const std::string& tls_name = from.address.tls_name.empty() ? from.address.host : from.address.tls_name;
    for (const wire::host& each : report.services)
        try_host({.at = each, .tls_name = tls_name, .expected = report.name, .moves_member = true}, now);
}

error tender::why_no_cluster() const {
    error why;
    why.what = code::cluster;
    why.text = seeds_.empty() ? "no hosts were given" : "no node of the cluster could be reached:";
    for (const known_seed& each : seeds_) {
        if (each.what != code::connection && why.what == code::cluster) why.what = each.what;
        why.text += &each == seeds_.data() ? " " : "; ";
        why.text += to_string(each.at) + " " + (each.why.empty() ? "did not answer" : each.why);
    }
    return why;
}

}  // namespace aero::cluster
