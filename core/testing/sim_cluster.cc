#include "testing/sim_cluster.h"

#include <algorithm>
#include <array>

#include "wire/message.h"

namespace aero::tests {
namespace {

void append_header(buffer& to, const wire::message_header& header) {
    wire::encode_message_header(to.room(wire::message_header_size), header);
    to.commit(wire::message_header_size);
}

void append_value(buffer& to, uint64_t value) {
    std::array<uint8_t, 8> bytes;
    store_be(bytes.data(), value);
    wire::append_op(to, wire::op_code::read, wire::particle::integer, "v", bytes);
}

// Appends one frame around what `fill` writes.
template <class Fill>
void append_frame(buffer& to, Fill&& fill) {
    const size_t start = to.size();
    to.room(wire::frame_header_size);
    to.commit(wire::frame_header_size);
    fill();
    wire::encode_frame_header(to.data() + start, wire::frame_type::message,
                              to.size() - start - wire::frame_header_size);
}

// What a record message or a row asks for, as far as the model knows it.
struct asked {
    digest key{};
    bool writes = false;
    uint64_t value = 0;
};

asked read_ops(const digest& key, bool writes, byte_view ops, unsigned count) {
    asked made{.key = key, .writes = writes};
    reader from(ops);
    for (unsigned i = 0; i < count; ++i) {
        const wire::op_view op = wire::read_op(from);
        if (op.value.size() == 8) made.value = load_be<uint64_t>(op.value.data());
    }
    return made;
}

}  // namespace

void sim_model::apply(const digest& key, uint64_t value, nanos when) {
    history_[key].push_back({when, value});
    applied_.insert(value);
}

std::optional<uint64_t> sim_model::current(const digest& key) const {
    const auto found = history_.find(key);
    if (found == history_.end()) return std::nullopt;
    return found->second.back().value;
}

bool sim_model::could_be_seen(const digest& key, std::optional<uint64_t> value, nanos from, nanos until) const {
    const auto found = history_.find(key);
    if (found == history_.end()) return !value;
    std::optional<uint64_t> standing;
    for (const change& each : found->second) {
        if (each.when > from && standing == value) return true;
        if (each.when > until) return false;
        standing = each.value;
    }
    return standing == value;
}

struct sim_cluster::node final : sim_service {
    node(sim_cluster& of, unsigned number) : home(of), index(number) {
        script = scripted_cluster({3000})[0];
        script["node"] = name();
    }
    std::string name() const { return "S" + std::to_string(index + 1); }

    void on_bytes(connection_id id, byte_view bytes) override {
        inputs[id].bytes.append(bytes);
        serve(id);
    }
    void on_gone(connection_id id) override { inputs.erase(id); }

    struct input {
        buffer bytes;
        bool busy = false;
    };

    void serve(connection_id id);
    void execute(buffer frame, connection_id id);
    void answer_record(byte_view body, buffer& reply);
    void answer_batch(byte_view body, byte_view field, buffer& reply);
    uint8_t do_one(const asked& what, std::optional<uint64_t>& seen);

    sim_cluster& home;
    unsigned index;
    bool up = true;
    uint64_t life = 0;  // counts starts: what was asked of a former life is not answered by the next
    uint64_t learned = 0;
    info_script script;
    std::map<connection_id, input> inputs;
};

// Takes one whole request at a time, as servers do.
void sim_cluster::node::serve(connection_id id) {
    input& from = inputs[id];
    if (from.busy || from.bytes.size() < wire::frame_header_size) return;
    const auto header = wire::decode_frame_header(from.bytes.data());
    if (!header) return home.network_.hang_up(id);
    const size_t size = wire::frame_header_size + header->body_size;
    if (from.bytes.size() < size) return;
    auto frame = std::make_shared<buffer>();
    frame->append(from.bytes.view().first(size));
    from.bytes.consume(size);
    from.busy = true;
    nanos takes = home.world_.between(5'000, 100'000);
    if (home.world_.chance(home.manners_.hang)) takes = home.world_.between(0, from_ms(3000));
    home.world_.after(takes, [this, id, frame, of = life] {
        if (!up || of != life) return;
        execute(std::move(*frame), id);
        const auto still = inputs.find(id);
        if (still == inputs.end()) return;
        still->second.busy = false;
        serve(id);
    });
}

void sim_cluster::node::execute(buffer frame, connection_id id) {
    const auto header = wire::decode_frame_header(frame.data());
    const byte_view body = frame.view().subspan(wire::frame_header_size);
    if (home.world_.chance(home.manners_.garbage)) {
        home.network_.reply(id, as_bytes("\x02\x03garbage and more garbage"));
        return home.network_.hang_up(id);
    }
    buffer reply;
    if (header->type == wire::frame_type::info) {
        reply = script.reply_to(as_text(body));
    } else {
        answer_record(body, reply);
    }
    home.network_.reply(id, reply.view());
}

void sim_cluster::node::answer_record(byte_view body, buffer& reply) {
    const wire::message_header header = wire::decode_message_header(body.data());
    reader from(body.subspan(wire::message_header_size));
    digest key{};
    for (unsigned i = 0; i < header.fields; ++i) {
        const wire::field_view field = wire::read_field(from);
        if (field.type == wire::field_type::batch || field.type == wire::field_type::batch_with_sets) {
            return answer_batch(body, field.data, reply);
        }
        if (field.type == wire::field_type::digest) std::copy_n(field.data.begin(), key.size(), key.begin());
    }
    const asked what = read_ops(key, (header.info2 & wire::info2::write) != 0, from.take(from.remaining()), header.ops);
    std::optional<uint64_t> seen;
    const uint8_t code = do_one(what, seen);
    append_frame(reply, [&] {
        append_header(reply, {.result_code = code, .generation = 1, .ops = static_cast<uint16_t>(seen ? 1 : 0)});
        if (seen) append_value(reply, *seen);
    });
}

void sim_cluster::node::answer_batch(byte_view, byte_view field, buffer& reply) {
    const auto last = [&](uint8_t verdict) {
        append_frame(reply, [&] { append_header(reply, {.info3 = wire::info3::last, .result_code = verdict}); });
    };
    sim_world& world = home.world_;
    if (world.chance(home.manners_.refuse_batch)) {
        constexpr std::array<uint8_t, 4> verdicts{150, 151, 152, 4};
        return last(verdicts[world.below(verdicts.size())]);
    }
    struct answered {
        uint32_t index;
        uint8_t code;
        std::optional<uint64_t> seen;
    };
    std::vector<answered> rows;
    wire::request_rows from(field);
    wire::request_row row;
    while (from.next(row)) {
        const asked what = read_ops(row.key, (row.info2 & wire::info2::write) != 0, row.ops, row.op_count);
        std::optional<uint64_t> seen;
        const uint8_t code = do_one(what, seen);
        if (!world.chance(home.manners_.forget_row)) rows.push_back({row.index, code, seen});
    }
    for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[world.below(i)]);
    for (size_t at = 0; at < rows.size();) {
        const size_t until = at + 1 + world.below(rows.size() - at);
        append_frame(reply, [&] {
            for (; at < until; ++at) {
                const answered& each = rows[at];
                append_header(reply, {.result_code = each.code,
                                      .generation = 1,
                                      .transaction_ttl = each.index,
                                      .ops = static_cast<uint16_t>(each.seen ? 1 : 0)});
                if (each.seen) append_value(reply, *each.seen);
            }
        });
    }
    last(0);
}

uint8_t sim_cluster::node::do_one(const asked& what, std::optional<uint64_t>& seen) {
    sim_world& world = home.world_;
    if (world.chance(home.manners_.refuse_record)) {
        constexpr std::array<uint8_t, 3> codes{11, 14, 18};
        return codes[world.below(codes.size())];
    }
    const bool times_out = world.chance(home.manners_.time_out);
    if (what.writes) {
        if (!times_out || world.chance(0.5)) home.model_.apply(what.key, what.value, world.now());
        return times_out ? 9 : 0;
    }
    if (times_out) return 9;
    seen = home.model_.current(what.key);
    return seen ? 0 : 2;
}

io::endpoint sim_cluster::address_of(unsigned node) {
    return io::numeric_endpoint("10.0.0." + std::to_string(node + 1), 3000).value();
}

sim_cluster::sim_cluster(sim_world& world, sim_network& network, unsigned nodes, unsigned replicas)
    : world_(world), network_(network), replicas_(replicas) {
    for (unsigned i = 0; i < nodes; ++i) {
        node& made = nodes_.emplace_back(*this, i);
        network_.listen(address_of(i), &made);
        members_.push_back(i);
    }
    ++round_;
    for (node& each : nodes_) learn(each, members_, round_);
}

sim_cluster::~sim_cluster() = default;

bool sim_cluster::alive(unsigned index) const { return std::next(nodes_.begin(), index)->up; }

void sim_cluster::kill(unsigned index) {
    node& dying = *std::next(nodes_.begin(), index);
    dying.up = false;
    ++dying.life;
    network_.shut(address_of(index));
    dying.inputs.clear();
    world_.after(world_.between(from_ms(50), from_ms(1500)), [this] { rebalance(); });
}

void sim_cluster::start(unsigned index) {
    node& starting = *std::next(nodes_.begin(), index);
    starting.up = true;
    starting.script["partition-generation"] = "-1";
    starting.script["peers-generation"] = "0";
    starting.script["peers-clear-std"] = "0,3000,[]";
    network_.listen(address_of(index), &starting);
    world_.after(world_.between(from_ms(50), from_ms(1000)), [this] { rebalance(); });
}

// The members agree on who is there; each learns of it in its own time.
void sim_cluster::rebalance() {
    members_.clear();
    for (const node& each : nodes_) {
        if (each.up) members_.push_back(each.index);
    }
    ++round_;
    for (node& each : nodes_) {
        if (!each.up) continue;
        world_.after(world_.between(0, from_ms(300)),
                     [this, &each, members = members_, round = round_, of = each.life] {
                         if (each.up && each.life == of && each.learned < round) learn(each, members, round);
                     });
    }
}

void sim_cluster::learn(node& who, std::vector<unsigned> members, uint64_t round) {
    who.learned = round;
    who.script["partition-generation"] = who.script["peers-generation"] = std::to_string(round);
    std::vector<std::pair<std::string, wire::host>> peers;
    for (const unsigned other : members) {
        if (other != who.index) peers.push_back({"S" + std::to_string(other + 1), {address_of(other).host, 3000}});
    }
    who.script["peers-clear-std"] = peers_value(round, peers);
    const auto place = std::ranges::find(members, who.index) - members.begin();
    wire::replica_claim claim{.name_space = "test", .regime = 0, .replicas = {}};
    claim.replicas.resize(std::min<size_t>(replicas_, members.size()));
    for (unsigned r = 0; r < claim.replicas.size(); ++r) {
        for (unsigned p = 0; p < wire::partitions; ++p) {
            if ((p + r) % members.size() == static_cast<size_t>(place)) claim.replicas[r].add(p);
        }
    }
    who.script["replicas"] = wire::encode_replicas({claim});
}

std::string sim_cluster::master_of(unsigned partition) const {
    return "S" + std::to_string(members_[partition % members_.size()] + 1);
}

}  // namespace aero::tests
