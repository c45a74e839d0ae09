#include "testing/sim_node.h"

#include <algorithm>
#include <array>

#include "testing/sim_packing.h"
#include "wire/digest.h"
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

}  // namespace

sim_node::sim_node(sim_world& world, sim_network& network, sim_model& model, const sim_manners& manners,
                   const sim_door_rules& rules, const sim_tls_rules& tls, unsigned index)
    : world_(world),
      network_(network),
      model_(model),
      manners_(manners),
      index_(index),
      tls_rules_(tls),
      chances_(sim_random::mix(world.seed(), 1000 + index)),
      door_(world, rules, name()),
      tls_(tls, index) {
    script_ = scripted_cluster({3000})[0];
    script_["node"] = name();
    script_["rack-ids"] = "test:" + std::to_string(1 + index % 3);
}

// ---------------------------------------------------------------- life

void sim_node::start(const std::string& host) {
    host_ = host;
    up_ = true;
    ++life_;
    script_["partition-generation"] = "-1";
    script_["peers-generation"] = script_["rebalance-generation"] = "0";
    tell_peers({});
    const std::string clear = host_ + ":" + std::to_string(sim_clear_port);
    const std::string secure = host_ + ":" + std::to_string(sim_tls_port);
    if (!tls_rules_.on || tls_rules_.for_login_only) {
        script_["service-clear-std"] = clear;
        network_.listen(clear, this);
    }
    if (!tls_rules_.on) return;
    tls_.restart();
    script_["service-tls-std"] = secure;
    network_.listen(secure, this, &tls_);
}

std::vector<std::string> sim_node::addresses() const {
    std::vector<std::string> made;
    for (const char* service : {"service-clear-std", "service-tls-std"})
        if (const auto found = script_.values.find(service); found != script_.values.end())
            made.push_back(found->second);
    return made;
}

void sim_node::freeze() {
    for (const std::string& each : addresses()) network_.freeze(each);
}

void sim_node::thaw() {
    for (const std::string& each : addresses()) network_.thaw(each);
}

void sim_node::tell_peers(const std::vector<wire::peer>& peers) {
    script_[tls_rules_.on ? "peers-tls-std" : "peers-clear-std"] =
        wire::encode_peers({.generation = generation_, .default_port = sim_clear_port, .peers = peers});
}

void sim_node::die(sim_network::death how) {
    up_ = false;
    ++life_;
    for (const std::string& each : addresses()) network_.shut(each, how);
    inputs_.clear();
    door_.forget_all();
}

void sim_node::next_generation() {
    script_["partition-generation"] = script_["peers-generation"] = std::to_string(++generation_);
    script_["rebalance-generation"] = script_["partition-generation"];
}

void sim_node::learn(knowledge what) {
    knows_ = std::move(what);
    next_generation();
    tell_peers(knows_.peers);
    script_["replicas"] = wire::encode_replicas({knows_.claim});
}

void sim_node::tell(lie which) {
    next_generation();
    wire::replica_claim claim = knows_.claim;
    auto peers = knows_.peers;
    switch (which) {
        case lie::owns_all:
            for (auto& replica : claim.replicas)
                for (unsigned p = 0; p < wire::partitions; ++p) replica.add(p);
            break;
        case lie::owns_nothing:
            for (auto& replica : claim.replicas) replica = {};
            break;
        case lie::ghost_peer: peers.push_back({"SFF", tls_name(), {{"10.9.9.9", tended_at().port}}}); break;
        case lie::wrong_peer_address:
            for (auto& each : peers) each.hosts.assign(1, tended_at());
            break;
        case lie::broken_map:
        case lie::broken_peers: break;
    }
    tell_peers(peers);
    if (which == lie::broken_peers) script_[tls_rules_.on ? "peers-tls-std" : "peers-clear-std"] = "7,3000,[[S1,,[";
    script_["replicas"] = which == lie::broken_map ? "test:0,1,AAAA;te" : wire::encode_replicas({claim});
}

// ---------------------------------------------------------------- service

void sim_node::on_bytes(connection_id id, byte_view bytes) {
    inputs_[id].bytes.append(bytes);
    serve(id);
}

// Takes one whole request at a time, as servers do.
void sim_node::serve(connection_id id) {
    input& from = inputs_[id];
    if (from.busy || from.bytes.size() < wire::frame_header_size) return;
    const auto header = wire::decode_frame_header(from.bytes.data());
    if (!header) return network_.hang_up(id);
    const size_t size = wire::frame_header_size + header->body_size;
    if (from.bytes.size() < size) return;
    const uint64_t number = ++last_work_;
    work& made = works_[number];
    made.id = id;
    made.life = life_;
    made.known = door_.lets_through(id);
    made.frame.append(from.bytes.view().first(size));
    from.bytes.consume(size);
    from.busy = true;
    nanos takes = chances_.between(5'000, 100'000);
    if (chances_.chance(manners_.hang)) takes = chances_.between(0, from_ms(3000));
    world_.after(takes, [this, number] { end_serving(number); });
}

void sim_node::end_serving(uint64_t number) {
    auto ended = works_.extract(number);
    if (ended.empty() || !up_ || ended.mapped().life != life_) return;
    const connection_id id = ended.mapped().id;
    execute(ended.mapped());
    const auto still = inputs_.find(id);
    if (still == inputs_.end()) return;
    still->second.busy = false;
    serve(id);
}

void sim_node::hurry() {
    std::vector<uint64_t> numbers;
    for (const auto& [number, each] : works_) numbers.push_back(number);
    for (const uint64_t number : numbers) end_serving(number);
}

void sim_node::execute(const work& what) {
    const connection_id id = what.id;
    const auto header = wire::decode_frame_header(what.frame.data());
    const bool garbage = chances_.chance(manners_.garbage);
    buffer reply;
    refused_.clear();
    if (header->type != wire::frame_type::message || !garbage || chances_.chance(0.5)) answer(what, reply);
    if (header->type != wire::frame_type::info && chances_.chance(manners_.hang_up)) return network_.hang_up(id);
    if (!garbage)
        return network_.reply(id, reply.view(), [this, refused = refused_] {
            for (const uint64_t value : refused) model_.note_refusal(value);
        });
    // Bytes that are no message; or an answer that is damaged where anything may stand.
    if (reply.empty() || chances_.chance(0.5)) {
        network_.reply(id, as_bytes("\x02\x03garbage and more garbage"));
        return network_.hang_up(id);
    }
    const size_t headers = wire::frame_header_size + wire::message_header_size;
    buffer damaged;
    damaged.append(reply.view().first(std::min(reply.size(), headers)));
    damaged.data()[std::min(damaged.size() - 1, 4 + chances_.below(3))] ^= 0x40;
    network_.reply(id, damaged.view());
    network_.hang_up(id);
}

void sim_node::answer(const work& what, buffer& reply) {
    const wire::frame_type type = wire::decode_frame_header(what.frame.data())->type;
    const byte_view body = what.frame.view().subspan(wire::frame_header_size);
    if (type == wire::frame_type::admin)
        return door_.answer(what.id, body, chances_.chance(manners_.refuse_login), reply);
    if (!what.known) {
        model_.note_stranger();
        return append_frame(
            reply, [&] { append_header(reply, {.result_code = static_cast<uint8_t>(code::not_authenticated)}); });
    }
    if (type == wire::frame_type::info)
        reply = script_.reply_to(as_text(body));
    else if (type == wire::frame_type::message)
        answer_message(body, reply);
    else if (const auto inside = unpacked_frame(what.frame.view()); inside && manners_.compresses)
        answer_message(inside->view().subspan(wire::frame_header_size), reply);
    else
        append_frame(reply,
                     [&] { append_header(reply, {.result_code = static_cast<uint8_t>(code::enterprise_only)}); });
    pack(what, reply);
}

// Who asked for it is answered by compressed frames, some or all.
void sim_node::pack(const work& what, buffer& reply) {
    const wire::frame_type type = wire::decode_frame_header(what.frame.data())->type;
    buffer asked;
    if (type == wire::frame_type::message)
        asked.append(what.frame.view());
    else if (auto inside = unpacked_frame(what.frame.view()))
        asked = std::move(*inside);
    if (asked.empty() || !manners_.compresses) return;
    if ((asked.data()[wire::frame_header_size + 1] & wire::info1::compress_response) == 0) return;
    buffer packed;
    for (byte_view left = reply.view(); !left.empty();) {
        const byte_view frame = left.first(wire::frame_header_size + wire::decode_frame_header(left.data())->body_size);
        left = left.subspan(frame.size());
        if (chances_.chance(0.2)) {
            packed.append(frame);
            continue;
        }
        auto how = packing_lie::none;
        if (chances_.chance(manners_.packs_badly)) {
            how = static_cast<packing_lie>(1 + chances_.below(packing_lies));
            refused_.clear();  // nobody reads it
        }
        packed.append(packed_frame(frame, how).view());
    }
    reply = std::move(packed);
}

void sim_node::answer_message(byte_view body, buffer& reply) {
    const bool many = read_request(body, [&](const sim_asked& what, uint32_t) {
        if (what.writes) refused_.push_back(what.value);
    });
    if (many && chances_.chance(manners_.refuse_batch)) {
        constexpr std::array<uint8_t, 4> verdicts{150, 151, 152, 4};
        const uint8_t verdict = verdicts[chances_.below(verdicts.size())];
        append_frame(reply, [&] { append_header(reply, {.info3 = wire::info3::last, .result_code = verdict}); });
        return;
    }
    std::vector<answered> rows;
    const bool batch = read_request(body, [&](const sim_asked& what, uint32_t index) {
        answered one{.index = index, .code = 0, .seen = {}};
        one.code = do_one(what, one.seen);
        if (one.code == 0 || one.code == 9) std::erase(refused_, what.value);
        rows.push_back(one);
    });
    if (batch) return answer_rows(std::move(rows), reply);
    const answered& only = rows.front();
    append_frame(reply, [&] {
        append_header(reply,
                      {.result_code = only.code, .generation = 1, .ops = static_cast<uint16_t>(only.seen ? 1 : 0)});
        if (only.seen) append_value(reply, *only.seen);
    });
}

void sim_node::answer_rows(std::vector<answered> rows, buffer& reply) {
    // Of rows that are forgotten, or lost with what else comes wrongly, the client learns nothing.
    if (std::erase_if(rows, [&](const answered&) { return chances_.chance(manners_.forget_row); }) > 0)
        refused_.clear();
    if (!rows.empty() && chances_.chance(manners_.wrong_row)) {
        refused_.clear();
        rows.push_back(rows[chances_.below(rows.size())]);
        if (chances_.chance(0.5)) rows.back().index += 100'000;
    }
    for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[chances_.below(i)]);
    for (size_t at = 0; at < rows.size();) {
        const size_t until = at + 1 + chances_.below(rows.size() - at);
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
    append_frame(reply, [&] { append_header(reply, {.info3 = wire::info3::last, .result_code = 0}); });
}

// A replica passes writes on to the master.
bool sim_node::owns(const digest& key) const {
    const unsigned partition = wire::partition_of(key);
    return std::ranges::any_of(knows_.claim.replicas, [&](const auto& replica) { return replica.has(partition); });
}

uint8_t sim_node::do_one(const sim_asked& what, std::optional<uint64_t>& seen) {
    if (manners_.strict && !owns(what.key)) return 11;
    if (chances_.chance(manners_.refuse_record)) {
        constexpr std::array<uint8_t, 3> codes{11, 14, 18};
        return codes[chances_.below(codes.size())];
    }
    if (chances_.chance(manners_.unknown_code)) {
        constexpr std::array<uint8_t, 4> codes{33, 77, 199, 254};
        return codes[chances_.below(codes.size())];
    }
    const bool times_out = chances_.chance(manners_.time_out);
    if (what.writes) {
        if (!times_out || chances_.chance(0.5)) model_.apply(what.key, what.value, world_.now());
        return times_out ? 9 : 0;
    }
    if (times_out) return 9;
    seen = model_.current(what.key);
    return seen ? 0 : 2;
}

}  // namespace aero::tests
