// Keeps the picture of a cluster fresh: finds nodes from seeds, asks each how it is and what it owns, publishes views.
//
// A machine without sockets, clock and threads: it is told what happened (`connected`, `received`, `failed`,
// `resolved`, `tick`) and gives actions. A driver carries them out and reports back; one thread at a time.
//
// Each node has one info connection (a link) with at most one conversation, which has its own deadline. Nodes never
// wait for each other, so that a silent one delays nobody:
//
//     candidate:  connect ──> hello (all facts) ──> adopted as a member, held as a lone seed, or refused with a reason
//     member:     every interval: generations ──> what changed: peers, partition map, racks ──> rest
//                 link lost: counted as a failure, connected again at the next interval
//
// Limits: nodes_max members, links_max connections at once, replies as info_channel allows.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <unordered_map>

#include "aero/config.h"
#include "cluster/node_report.h"
#include "cluster/partition_table.h"
#include "cluster/view.h"

namespace aero::cluster {

using link_id = uint32_t;

class tender {
  public:
    static constexpr size_t links_max = 512;
    static constexpr unsigned failures_max = 5;  // of every node in a row: back to the seeds
    static constexpr nanos lone_seed_grace = from_ms(100);
    static constexpr nanos soon_pause = from_ms(100);      // between early tends that are honoured
    static constexpr nanos reconnect_pause = from_ms(50);  // after a node closed a resting link

    struct action {
        enum class kind : uint8_t { resolve, connect, send, close };
        kind what;
        link_id id;                        // of the link; of the lookup for resolve
        io::endpoint to{};                 // connect; resolve: host and port only
        std::shared_ptr<session> known{};  // connect: with that node
        buffer bytes{};                    // send
    };

    // The nodes it makes are connected to as `how` says; without, in clear.
    explicit tender(const client_config& config, std::shared_ptr<const security> how = {});

    // What happened. Links and lookups that the tender has given up are passed over.
    void start(nanos now);
    void connected(link_id id, nanos now);
    void received(link_id id, byte_view bytes, nanos now);
    void failed(link_id id, std::string why, nanos now, code what = code::connection);
    void resolved(link_id lookup, std::span<const io::endpoint> found, std::string why, nanos now);
    void tick(nanos now);
    void tend_soon(nanos now);
    // After a call of these that threw for want of memory, with every link closed: keeps who was a member and what it
    // owned, and asks everything else anew. May be called again when it throws too.
    void start_over(nanos now);

    std::vector<action> take_actions() { return std::exchange(actions_, {}); }
    nanos next_deadline() const noexcept;

    const view_ptr& current() const noexcept { return view_; }  // never null; a new pointer when something changed
    bool complete() const noexcept { return table_.complete(); }
    // Every address known was tried and no node is being asked: waiting longer will hardly tell more.
    bool settled() const noexcept;
    bool has_members() const noexcept { return !members_.empty(); }
    // Why there is no cluster: each seed with its reason.
    error why_no_cluster() const;

  private:
    struct known_seed {
        wire::host at;
        std::string tls_name;
        std::string why;
        code what = code::connection;  // what kind of failure `why` is
        bool not_ready = false;        // answered, but has no partitions yet: worth asking again at once
    };
    struct member {
        member_id id;
        std::string name;
        std::shared_ptr<node> handle;
        io::endpoint
            at;  // where it is asked; calls go to the handle's address, which differs where only logins are secure
        std::shared_ptr<session> known;
        link_id link = 0;  // 0: none
        unsigned failures = 0;
        nanos next_round = 0;
        std::optional<int64_t> peers_generation;  // of what is held; nothing: to be fetched
        std::optional<int64_t> partition_generation;
        std::optional<int64_t> rebalance_generation;
        bool wants_peers = false;
        bool wants_map = false;
        bool wants_racks = false;
        std::vector<wire::peer> peers;
        std::map<std::string, int, std::less<>> racks;
    };
    enum class link_state : uint8_t { connecting, idle, asking, held };
    struct link {
        link_id id;
        io::endpoint address;
        std::shared_ptr<session> known{};  // a new one for a candidate
        link_state state = link_state::connecting;
        nanos deadline = never;
        member_id owner = nobody;   // nobody: a candidate
        int seed = -1;              // index of the seed that led here
        std::string expected{};     // the name that somebody gave it; empty: any
        bool moves_member = false;  // a better address of a member: adopting it moves the member there
        bool introduced = false;    // user-agent-set was sent or cannot be
        inquiry asked{};
        info_channel channel{};
        std::optional<node_report> report{};  // held
    };
    struct lookup {
        link_id id;
        wire::host at;
        std::string tls_name;
        int seed;
        std::string expected;
        bool moves_member;
        nanos deadline;
    };

    // tender.cc: links and conversations
    link* find_link(link_id id) noexcept;
    link& open_link(link&& made, nanos now);
    void close_link(link_id id);
    void give_handle(member& who, const io::endpoint& calls_at);
    io::endpoint calls_at(const link& from, const node_report& report) const;
    void fail_link(link_id id, std::string why, nanos now, code what = code::connection);
    void ask(link& on, inquiry what, nanos now);
    void heard(link& from, nanos now);
    void decide(nanos now);

    // tender_discovery.cc: seeds and candidates
    void start_seeds(nanos now);
    struct candidate {
        wire::host at;
        std::string_view tls_name;
        int seed = -1;
        std::string_view expected{};
        bool moves_member = false;
    };
    void try_host(const candidate& which, nanos now);
    void discover(nanos now);
    void judge_candidate(link& from, node_report&& report, nanos now);
    void adopt_held(nanos now);
    bool seed_pending(int seed) const noexcept;
    void seed_failed(int seed, std::string why, code what = code::connection);
    std::string refusal_of(const link& from, const node_report& report) const;
    void check_services(const link& from, const node_report& report, nanos now);

    // tender_members.cc: members and views
    member* find_member(std::string_view name) noexcept;
    member* find_member(member_id id) noexcept;
    void adopt(link& from, node_report&& report, nanos now);
    void move_member(member& who, link& to, const node_report& report, nanos now);
    void member_failed(member& who, nanos now);
    void member_heard(member& who, link& from, node_report&& report, nanos now);
    void apply(member& who, const inquiry& asked, node_report&& report);
    void want_peers_of_all() noexcept;
    bool guarded(const member& who) const noexcept;
    bool lost(const member& who) const noexcept;
    bool named_by_others(const member& who) const noexcept;
    void drop_members(nanos now);
    void drop(member_id id);
    bool login_due(const member& who, nanos now) const noexcept;
    void pursue(member& who, nanos now);
    void publish();

    const client_config config_;
    const std::shared_ptr<retry_budget> retries_ =
        config_.retry_budget ? std::make_shared<retry_budget>(config_.retry_reserve) : nullptr;
    const std::shared_ptr<const security> security_;
    const nanos interval_;
    const nanos conversation_max_;
    const std::string user_agent_;
    std::vector<known_seed> seeds_;
    std::map<link_id, link> links_;
    std::list<lookup> lookups_;
    std::list<member> members_;
    std::unordered_map<std::string_view, member*> by_name_;  // into members_
    std::map<std::string, nanos, std::less<>> retry_at_;     // addresses of peers that were tried: when to try again
    partition_table table_;
    const std::shared_ptr<client_hedging> hedging_;  // null: off
    view_ptr view_;
    std::vector<action> actions_;
    link_id last_id_ = 0;
    nanos seeds_at_ = never;    // when the seeds are tried again, while there is no member
    nanos lone_until_ = never;  // when a lone seed is taken although others have not answered
    nanos soon_at_ = never;     // an early tend that was asked for
    nanos last_soon_ = 0;
    bool changed_ = false;     // something that views show may have changed
    bool review_ = false;      // who is a member and who is named has to be looked at again
    nanos review_at_ = never;  // the same, for peers that could not be reached
};

}  // namespace aero::cluster
