// What the tender does with the nodes it knows: rounds of questions, what their answers change, who leaves, the view.
#include <algorithm>

#include "aero/log.h"
#include "base/planted.h"
#include "cluster/tender.h"
#include "metrics/counters.h"

namespace aero::cluster {
namespace {

constexpr std::string_view logger = "aerospike_core::cluster";

}  // namespace

tender::member* tender::find_member(std::string_view name) noexcept {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
}

tender::member* tender::find_member(member_id id) noexcept {
    const auto found = std::ranges::find(members_, id, &member::id);
    return id == nobody || found == members_.end() ? nullptr : &*found;
}

// What calls use from now on; connections to what they used before end as they are given back.
void tender::give_handle(member& who, const io::endpoint& calls_at) {
    if (who.handle != nullptr) who.handle->deactivate();
    who.handle = std::make_shared<node>(
        who.name, calls_at, security_, who.known,
        flow_limits{.breaks = config_.circuit_breaker,
                    .connecting_max = config_.connecting_per_node_max,
                    .adapts_to = config_.adaptive_concurrency ? config_.connections_per_node_max : 0});
    changed_ = true;
}

// Where calls to the node at the other end of a link go. A name among its addresses is taken for that of the host that
// the link leads to, so that nothing has to be resolved.
io::endpoint tender::calls_at(const link& from, const node_report& report) const {
    if (report.calls_at.empty()) return from.address;
    io::endpoint found = from.address;
    found.set_port(report.calls_at.front().port);
    for (const wire::host& each : report.calls_at) {
        const auto numeric = io::numeric_endpoint(each.name, each.port);
        if (numeric) return *numeric;
    }
    return found;
}

void tender::adopt(link& from, node_report&& report, nanos now) {
    member_id unused = nobody + 1;
    while (find_member(unused) != nullptr) ++unused;  // nodes_max fit with room to spare
    member& made = members_.emplace_back();
    made.id = unused;
    made.name = report.name;
    by_name_[made.name] = &made;
    made.known = from.known;
    made.at = from.address;
    give_handle(made, calls_at(from, report));
    made.link = from.id;
    made.next_round = now + interval_;
    from.owner = made.id;
    review_ = true;
    log::write(log::level::info, logger, "node " + made.name + " at " + from.address.text() + " joined");
    check_services(from, report, now);
    apply(made, from.asked, std::move(report));
}

// The node answers at another address than before: new connections go there, old ones end as they are given back.
void tender::move_member(member& who, link& to, const node_report& report, nanos now) {
    close_link(who.link);
    who.known = to.known;
    who.at = to.address;
    give_handle(who, calls_at(to, report));
    who.link = to.id;
    who.failures = 0;
    who.next_round = now;  // what its former self said may no longer hold
    who.peers_generation.reset();
    who.partition_generation.reset();
    who.rebalance_generation.reset();
    to.owner = who.id;
    review_ = true;
    log::write(log::level::info, logger, "node " + who.name + " moved to " + to.address.text());
}

void tender::member_failed(member& who, nanos now) {
    metrics::count(metrics::event::tend_failed);
    ++who.failures;
    review_ = true;
    who.next_round = std::max(who.next_round, now);
    want_peers_of_all();
}

void tender::want_peers_of_all() noexcept {
    for (member& each : members_) each.wants_peers = true;
}

void tender::member_heard(member& who, link& from, node_report&& report, nanos now) {
    metrics::count(metrics::event::tend_answered);
    if (report.name != who.name) {
        // Another node took over the address. It becomes known like any other, by its address or by its peers.
        const io::endpoint at = from.address;
        drop(who.id);
        want_peers_of_all();
        open_link({.id = 0, .address = at}, now);
        return;
    }
    const bool differs =
        from.asked.identity && !config_.cluster_name.empty() && report.cluster_name != config_.cluster_name;
    if (differs) {
        drop(who.id);
        return want_peers_of_all();
    }
    if (report.partition_generation < 0) return member_failed(who, now);
    const bool again = std::exchange(who.failures, 0) > 0;
    review_ |= again;
    if (from.asked.calls_at && !calls_at(from, report).same_address(who.handle->address()))
        give_handle(who, calls_at(from, report));
    who.handle->health.tended(again, now);
    if (who.peers_generation != report.peers_generation) {
        if (who.peers_generation > report.peers_generation && !from.asked.peers) {
            // Counted anew: the node was started again, and connections to its former self are of no use.
            give_handle(who, who.handle->address());
        }
        want_peers_of_all();
    }
    apply(who, from.asked, std::move(report));
}

// Takes over what was asked for, and notes what has to be asked next.
void tender::apply(member& who, const inquiry& asked, node_report&& report) {
    if (asked.peers) {
        who.wants_peers = false;
        review_ = true;
        who.peers_generation = report.peers_generation;
        who.peers = std::move(report.peers);
        std::erase_if(who.peers, [&](const wire::peer& each) { return each.node_id == who.name; });
    }
    if (asked.map && !guarded(who)) {
        who.partition_generation = report.partition_generation;
        who.wants_map = false;
        for (const member_id lost : table_.claim(who.id, report.claims)) {
            // Looked at again in its next round, not at once: nodes that claim the same would keep each other busy.
            if (member* displaced = find_member(lost)) displaced->partition_generation.reset();
        }
        changed_ = review_ = true;
    }
    if (who.partition_generation != report.partition_generation && !planted(planted_bug::stale_map))
        who.wants_map = true;
    if (asked.racks) {
        who.rebalance_generation = report.rebalance_generation;
        who.wants_racks = false;
        changed_ |= who.racks != report.racks;
        who.racks = std::move(report.racks);
    } else if (asked.rack_generation) {
        who.wants_racks |= who.rebalance_generation != report.rebalance_generation;
    }
}

// A node that sees no others, where there are others, was cut off: what it believes to own is not the cluster's truth.
bool tender::guarded(const member& who) const noexcept { return who.peers.empty() && members_.size() > 1; }

// It failed and no conversation is under way. Knocking at its old address again is none: one that swallows packets
// never answers, and meanwhile the node may be found elsewhere.
bool tender::lost(const member& who) const noexcept {
    const auto on = links_.find(who.link);
    return who.failures > 0 && (on == links_.end() || on->second.state == link_state::connecting);
}

bool tender::named_by_others(const member& who) const noexcept {
    for (const member& other : members_) {
        if (other.id == who.id || other.failures > 0) continue;
        if (std::ranges::find(other.peers, who.name, &wire::peer::node_id) != other.peers.end()) return true;
    }
    return false;
}

void tender::drop_members(nanos now) {
    if (members_.empty()) return;
    const auto answers = [](const member& each) { return each.failures == 0; };
    const auto lost = [&](const member& each) { return each.failures >= failures_max; };
    std::vector<member_id> leaving;
    if (std::ranges::none_of(members_, answers)) {
        if (std::ranges::all_of(members_, lost)) {
            for (const member& each : members_) leaving.push_back(each.id);
            seeds_at_ = std::min(seeds_at_, now);
        }
    } else if (members_.size() > 1) {
        const auto serves = [&](const member& each) { return answers(each) && table_.owns_any(each.id); };
        const bool any_serves = std::ranges::any_of(members_, serves);
        for (const member& each : members_) {
            if (serves(each) || named_by_others(each)) continue;
            // One that answers but owns nothing goes only where others do own something.
            if (each.failures > 0 || any_serves) leaving.push_back(each.id);
        }
    }
    for (const member_id id : leaving) drop(id);
}

void tender::drop(member_id id) {
    member* who = find_member(id);
    log::write(log::level::warn, logger, "node " + who->name + " at " + who->at.text() + " left");
    close_link(who->link);
    who->handle->deactivate();
    table_.forget(id);
    by_name_.erase(who->name);
    std::erase_if(members_, [&](const member& each) { return each.id == id; });
    changed_ = review_ = true;
}

bool tender::login_due(const member& who, nanos now) const noexcept {
    return security_ != nullptr && security_->logs_in() && who.known->login_due(now);
}

// Starts what is due: a connection, a round, or at once what the last round showed to be needed.
void tender::pursue(member& who, nanos now) {
    link* on = find_link(who.link);
    if (on == nullptr) {
        if (now < who.next_round) return;
        who.next_round = now + interval_;
        if (links_.size() >= links_max) return;
        link& made = open_link({.id = 0, .address = who.at, .known = who.known, .owner = who.id}, now);
        who.link = made.id;
        return;
    }
    if (on->state != link_state::idle) return;
    if (login_due(who, now)) {
        // A connection logs in once, at its beginning.
        close_link(who.link);
        who.link = 0;
        who.next_round = now;
        return pursue(who, now);
    }
    inquiry what{.rack_generation = !config_.rack_ids.empty(), .user_agent = {}};
    if (now >= who.next_round) {
        who.next_round = now + interval_;
        return ask(*on, std::move(what), now);
    }
    if (who.failures > 0) return;
    what.peers = who.wants_peers;
    what.map = who.wants_map && !guarded(who);
    what.racks = who.wants_racks;
    if (what.peers || what.map || what.racks) ask(*on, std::move(what), now);
}

// Makes a view of what is known, and keeps it when it differs from the last one.
void tender::publish() {
    if (!std::exchange(changed_, false)) return;
    auto next = std::make_shared<view>();
    next->preferred_racks = config_.rack_ids;
    next->retries = retries_;
    next->hedging = hedging_;
    std::vector<member_id> order;
    for (const member& each : members_) {
        next->nodes.push_back(each.handle);
        order.push_back(each.id);
    }
    bool differs = next->nodes != view_->nodes, maps_differ = false;
    for (std::unique_ptr<namespace_map>& map : table_.maps(order)) {
        const bool has_racks =
            std::ranges::any_of(members_, [&](const member& each) { return each.racks.contains(map->name); });
        for (const member& each : members_) {
            if (!has_racks) break;
            const auto found = each.racks.find(map->name);
            map->racks.push_back(found == each.racks.end() ? no_rack : found->second);
        }
        const namespace_map* before = view_->find(map->name);
        maps_differ |= before == nullptr || *before != *map;
        next->namespaces.push_back(std::move(map));
    }
    maps_differ |= next->namespaces.size() != view_->namespaces.size();
    if (maps_differ) metrics::count(metrics::event::partition_map_changed);
    if (!differs && !maps_differ) return;
    next->version = view_->version + 1;
    view_ = std::move(next);
}

}  // namespace aero::cluster
