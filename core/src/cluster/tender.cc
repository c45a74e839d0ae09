#include "cluster/tender.h"

#include <algorithm>

#include "aero/log.h"
#include "metrics/counters.h"

namespace aero::cluster {

namespace {

constexpr std::string_view logger = "aerospike_core::cluster";

}  // namespace

tender::tender(const client_config& config, std::shared_ptr<const security> how)
    : config_(config),
      security_(std::move(how)),
      interval_(from_ms(std::max<uint32_t>(config.tend_interval_ms, 10))),
      conversation_max_(from_ms(std::clamp<uint32_t>(config.connect_timeout_ms, 50, 2000))),
      user_agent_(user_agent_value(config.user_agent)),
      hedging_(config.hedged_reads.on() ? std::make_shared<client_hedging>(config.hedged_reads) : nullptr),
      view_(std::make_shared<const view>()) {
    for (const host& at : config.hosts)
        seeds_.push_back({.at = {at.name, at.port}, .tls_name = at.tls_name, .why = {}});
}

void tender::start(nanos now) {
    seeds_at_ = now;
    decide(now);
}

void tender::connected(link_id id, nanos now) {
    link* on = find_link(id);
    if (on == nullptr || on->state != link_state::connecting) return;
    // A first conversation asks for everything, whoever the node turns out to be.
    const bool wants_racks = !config_.rack_ids.empty();
    ask(*on,
        {.identity = true,
         .peers = true,
         .map = true,
         .services = on->seed >= 0,
         .calls_at = config_.tls.for_login_only,
         .rack_generation = wants_racks,
         .racks = wants_racks,
         .user_agent = {}},
        now);
    decide(now);
}

void tender::received(link_id id, byte_view bytes, nanos now) {
    link* from = find_link(id);
    if (from == nullptr) return;
    switch (from->channel.receive(bytes)) {
        case info_channel::progress::more: return;
        case info_channel::progress::broken: fail_link(id, from->channel.why(), now); break;
        case info_channel::progress::complete: heard(*from, now); break;
    }
    decide(now);
}

void tender::failed(link_id id, std::string why, nanos now, code what) {
    if (find_link(id) == nullptr) return;
    fail_link(id, std::move(why), now, what);
    decide(now);
}

void tender::tick(nanos now) {
    std::vector<link_id> late;
    for (const auto& [id, each] : links_) {
        if (each.deadline <= now) late.push_back(id);
    }
    const std::string limit = std::to_string(conversation_max_ / from_ms(1)) + " ms";
    for (const link_id id : late) {
        const bool connecting = find_link(id)->state == link_state::connecting;
        fail_link(id, (connecting ? "did not accept a connection within " : "did not answer within ") + limit, now);
    }
    for (lookup& each : lookups_) {
        if (each.deadline > now) continue;
        each.deadline = never;  // its result is still welcome
        seed_failed(each.seed, "its name was not resolved within " + limit);
    }
    if (soon_at_ <= now) {
        soon_at_ = never;
        last_soon_ = now;
        metrics::count(metrics::event::tend_early);
        for (member& each : members_) each.next_round = std::min(each.next_round, now);
        if (members_.empty()) seeds_at_ = std::min(seeds_at_, now);
    }
    decide(now);
}

void tender::tend_soon(nanos now) {
    // A session that a node has forgotten is not for the next round: until it is renewed the node answers nobody.
    if (!config_.early_tend && std::ranges::none_of(members_, [&](const member& each) { return login_due(each, now); }))
        return;
    soon_at_ = std::min(soon_at_, std::max(now, last_soon_ + soon_pause));
    if (soon_at_ <= now) tick(now);
}

void tender::start_over(nanos now) {
    links_.clear();
    lookups_.clear();
    actions_.clear();
    by_name_.clear();
    std::erase_if(members_, [](const member& each) { return each.handle == nullptr; });
    for (member& each : members_) {
        by_name_[each.name] = &each;
        if (!each.handle->active()) give_handle(each, each.handle->address());
        each.link = 0;
        each.next_round = now;
        each.peers_generation.reset();
        each.partition_generation.reset();
        each.rebalance_generation.reset();
    }
    table_.repair();
    if (members_.empty()) seeds_at_ = now;
    changed_ = review_ = true;
}

nanos tender::next_deadline() const noexcept {
    nanos next = std::min(soon_at_, review_at_);
    for (const auto& [id, each] : links_) next = std::min(next, each.deadline);
    for (const lookup& each : lookups_) next = std::min(next, each.deadline);
    for (const member& each : members_) {
        const auto on = links_.find(each.link);
        if (on == links_.end() || on->second.state == link_state::idle) next = std::min(next, each.next_round);
    }
    if (members_.empty()) {
        next = std::min(next, lone_until_);
        const bool trying = std::ranges::any_of(
            seeds_, [&](const known_seed& each) { return seed_pending(static_cast<int>(&each - seeds_.data())); });
        if (!trying && lone_until_ == never) next = std::min(next, seeds_at_);
    }
    return next;
}

bool tender::settled() const noexcept {
    for (const auto& [id, each] : links_) {
        if (each.state != link_state::idle) return false;
    }
    for (const lookup& each : lookups_) {
        if (each.deadline != never) return false;
    }
    // A seed that only waits for its partitions is tried again soon.
    return !members_.empty() || std::ranges::none_of(seeds_, &known_seed::not_ready);
}

tender::link* tender::find_link(link_id id) noexcept {
    const auto found = links_.find(id);
    return found == links_.end() ? nullptr : &found->second;
}

tender::link& tender::open_link(link&& made, nanos now) {
    made.id = ++last_id_;
    made.state = link_state::connecting;
    made.deadline = now + conversation_max_;
    if (made.known == nullptr) made.known = std::make_shared<session>();
    actions_.push_back({.what = action::kind::connect, .id = made.id, .to = made.address, .known = made.known});
    return links_.emplace(made.id, std::move(made)).first->second;
}

void tender::close_link(link_id id) {
    if (links_.erase(id) != 0) actions_.push_back({.what = action::kind::close, .id = id});
}

void tender::fail_link(link_id id, std::string why, nanos now, code what) {
    const link* lost = find_link(id);
    if (lost == nullptr) return;
    const member_id owner = lost->owner;
    const int seed = lost->seed;
    const bool was_idle = lost->state == link_state::idle;
    close_link(id);
    if (member* who = find_member(owner)) {
        who->link = 0;
        if (what != code::connection) {
            log::write(log::level::error, logger, "node " + who->name + " at " + who->at.text() + " " + why);
        }
        // A node may close what rests; only a failure to answer counts against it.
        if (was_idle) {
            who->next_round = std::min(who->next_round, now + reconnect_pause);
        } else {
            member_failed(*who, now);
        }
    } else {
        seed_failed(seed, std::move(why), what);
    }
}

void tender::ask(link& on, inquiry what, nanos now) {
    what.alternate = config_.use_services_alternate;
    what.tls = config_.tls.enable;
    if (!on.introduced && !what.identity) {
        what.user_agent = user_agent_;
        on.introduced = true;
    }
    const std::vector<std::string> commands = commands_of(what);
    const std::vector<std::string_view> views(commands.begin(), commands.end());
    on.asked = std::move(what);
    on.state = link_state::asking;
    on.deadline = now + conversation_max_;
    actions_.push_back({.what = action::kind::send, .id = on.id, .bytes = on.channel.ask(views)});
}

void tender::heard(link& from, nanos now) {
    from.state = link_state::idle;
    from.deadline = never;
    auto report = read_report(from.asked, from.channel);
    if (!report) {
        from.state = link_state::asking;  // to be counted as a failure
        return fail_link(from.id, std::move(report.error()), now);
    }
    // Servers before 8.1 do not know the introduction.
    if (from.asked.identity) from.introduced = report->build < std::array<unsigned, 4>{8, 1, 0, 0};
    if (member* who = find_member(from.owner)) {
        member_heard(*who, from, *std::move(report), now);
    } else {
        judge_candidate(from, *std::move(report), now);
    }
}

void tender::decide(nanos now) {
    adopt_held(now);
    if (std::exchange(review_, false) || now >= review_at_) {
        drop_members(now);
        discover(now);
    }
    start_seeds(now);
    for (member& each : members_) pursue(each, now);
    publish();
}

}  // namespace aero::cluster
