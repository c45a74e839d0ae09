// The typed calls of the client: keys, bins and policies of C++ values to requests of the wire and back.
#include <chrono>

#include "aero/client.h"
#include "base/buffer_pool.h"
#include "base/no_memory.h"
#include "wire/digest.h"
#include "wire/message.h"
#include "wire/particle.h"

namespace aero {

namespace {

// Memory of one request, given back when the call is over.
struct scratch {
    buffer bytes = take_buffer(512);
    ~scratch() { recycle(std::move(bytes)); }
};

std::unexpected<error> refused(const record_reply& reply) {
    error made{.what = reply.code, .in_doubt = reply.in_doubt, .attempts = 1, .node = reply.node};
    made.text = "Server error: " + std::string(name_of(reply.code));
    return std::unexpected(std::move(made));
}

// Counts of operations have 16 bits, so this one is looked at before they are made.
result<void> check_count(size_t bins) {
    if (bins <= wire::ops_max) return {};
    return fail(code::invalid_argument, std::to_string(bins) + " bins, more than the " + std::to_string(wire::ops_max) +
                                            " that one request may have");
}

// The type byte and value of a user key, as it is hashed and stored.
result<wire::particle> append_key(buffer& to, const value& user_key) {
    if (const auto* number = user_key.if_is<int64_t>()) {
        to.append_be(*number);
        return wire::particle::integer;
    }
    if (const auto* text = user_key.if_is<std::string>()) {
        to.append(*text);
        return wire::particle::string;
    }
    if (const auto* bytes = user_key.if_is<blob>()) {
        to.append(byte_view(reinterpret_cast<const uint8_t*>(bytes->bytes.data()), bytes->bytes.size()));
        return wire::particle::blob;
    }
    return fail(code::invalid_argument, "a user key must be an integer, a string or a blob");
}

uint8_t exists_bits(exists_policy exists) noexcept {
    switch (exists) {
        case exists_policy::update_only: return wire::info3::update_only;
        case exists_policy::replace: return wire::info3::create_or_replace;
        case exists_policy::replace_only: return wire::info3::replace_only;
        default: return 0;
    }
}

void apply(record_request& to, const write_policy& policy) noexcept {
    to.is_write = true;
    to.info2 |= wire::info2::write;
    to.info3 |= exists_bits(policy.exists);
    if (policy.exists == exists_policy::create_only) to.info2 |= wire::info2::create_only;
    if (policy.generation_check == generation_policy::equal) to.info2 |= wire::info2::generation;
    if (policy.generation_check == generation_policy::greater) to.info2 |= wire::info2::generation_gt;
    if (policy.durable_delete) to.info2 |= wire::info2::durable_delete;
    to.generation = policy.generation_check == generation_policy::ignore ? 0 : policy.generation;
    to.ttl = policy.ttl_s;
}

int64_t unix_now_s() noexcept {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

result<record> record_of(std::span<const uint8_t> ops, uint16_t op_count, uint32_t generation, uint32_t void_time) {
    record made{.generation = generation, .ttl_s = wire::ttl_from_void_time(void_time, unix_now_s())};
    made.bins.reserve(op_count);
    reader from(ops);
    for (uint16_t i = 0; i < op_count; ++i) {
        const wire::op_view op = wire::read_op(from);
        if (!from.ok()) return fail(code::bad_reply, "the node's answer has an operation that overruns it");
        auto content = wire::decode_particle(op.type, op.value);
        if (!content) return std::unexpected(std::move(content.error()));
        made.bins.push_back({std::string(op.name), std::move(*content)});
    }
    return made;
}

result<record_request> request_for(const key& which) {
    if (which.name_space.empty()) return fail(code::invalid_argument, "a key needs a namespace");
    auto hashed = digest_of(which);
    if (!hashed) return std::unexpected(std::move(hashed.error()));
    record_request request;
    request.name_space = which.name_space;
    request.set = which.set;
    request.digest = *hashed;
    return request;
}

}  // namespace

result<digest> digest_of(const key& of) {
    return detail::within_memory([&]() -> result<digest> {
        scratch hashed;
        const auto type = append_key(hashed.bytes, of.user_key);
        if (!type) return std::unexpected(type.error());
        return wire::digest_of({.set = of.set, .type = *type, .value = hashed.bytes.view()});
    });
}

result<void> client::put(const key& where, const bins& what, const write_policy& policy) {
    return detail::within_memory([&]() -> result<void> {
        auto request = request_for(where);
        if (!request) return std::unexpected(std::move(request.error()));
        if (auto counted = check_count(what.size()); !counted) return counted;
        scratch ops, stored;
        for (const bin& one : what) {
            if (auto added = wire::append_value_op(ops.bytes, wire::op_code::write, one.name, one.content); !added)
                return std::unexpected(std::move(added.error()));
        }
        if (policy.send_key) {
            stored.bytes.append_u8(0);
            const auto type = append_key(stored.bytes, where.user_key);
            if (!type) return std::unexpected(type.error());
            stored.bytes.data()[0] = static_cast<uint8_t>(*type);
            request->key_field = stored.bytes.view();
        }
        request->ops = ops.bytes.view();
        request->op_count = static_cast<uint16_t>(what.size());
        apply(*request, policy);
        auto reply = execute(*request, policy);
        if (!reply) return std::unexpected(std::move(reply.error()));
        if (reply->code != code::ok) return refused(*reply);
        return {};
    });
}

result<record> client::get(const key& which, const read_policy& policy) { return get(which, {}, policy); }

result<record> client::get(const key& which, std::span<const std::string> bin_names, const read_policy& policy) {
    return detail::within_memory([&]() -> result<record> {
        auto request = request_for(which);
        if (!request) return std::unexpected(std::move(request.error()));
        if (auto counted = check_count(bin_names.size()); !counted) return std::unexpected(std::move(counted.error()));
        scratch ops;
        for (const std::string& name : bin_names)
            if (auto added = wire::append_value_op(ops.bytes, wire::op_code::read, name, {}); !added)
                return std::unexpected(std::move(added.error()));
        request->info1 = bin_names.empty() ? wire::info1::read | wire::info1::get_all : wire::info1::read;
        request->ops = ops.bytes.view();
        request->op_count = static_cast<uint16_t>(bin_names.size());
        auto reply = execute(*request, policy);
        if (!reply) return std::unexpected(std::move(reply.error()));
        if (reply->code != code::ok) return refused(*reply);
        return record_of(reply->ops, reply->op_count, reply->generation, reply->void_time);
    });
}

result<bool> client::exists(const key& which, const read_policy& policy) {
    return detail::within_memory([&]() -> result<bool> {
        auto request = request_for(which);
        if (!request) return std::unexpected(std::move(request.error()));
        request->info1 = wire::info1::read | wire::info1::get_no_bins;
        auto reply = execute(*request, policy);
        if (!reply) return std::unexpected(std::move(reply.error()));
        if (reply->code == code::record_not_found) return false;
        if (reply->code != code::ok) return refused(*reply);
        return true;
    });
}

result<void> client::remove(const key& which, const write_policy& policy) {
    return detail::within_memory([&]() -> result<void> {
        auto request = request_for(which);
        if (!request) return std::unexpected(std::move(request.error()));
        apply(*request, policy);
        request->info2 |= wire::info2::delete_record;
        auto reply = execute(*request, policy);
        if (!reply) return std::unexpected(std::move(reply.error()));
        if (reply->code != code::ok) return refused(*reply);
        return {};
    });
}

result<std::vector<batch_record>> client::batch_read(std::span<const key> keys, const batch_policy& policy) {
    return detail::within_memory([&]() -> result<std::vector<batch_record>> {
        std::vector<digest> digests;
        std::vector<uint32_t> template_of;
        std::vector<row_template> templates;
        for (const key& one : keys) {
            auto request = request_for(one);
            if (!request) return std::unexpected(std::move(request.error()));
            digests.push_back(request->digest);
            const bool same =
                !templates.empty() && templates.back().name_space == one.name_space && templates.back().set == one.set;
            if (!same) {
                row_template shape;
                shape.name_space = one.name_space;
                shape.set = one.set;
                shape.info1 = wire::info1::read | wire::info1::get_all;
                templates.push_back(shape);
            }
            template_of.push_back(static_cast<uint32_t>(templates.size() - 1));
        }
        batch_request request;
        request.digests = digests;
        request.template_of = template_of;
        request.templates = templates;
        request.flags = wire::batch_flag::report_error_row;
        if (policy.allow_inline) request.flags |= wire::batch_flag::in_line;
        if (policy.allow_inline_ssd) request.flags |= wire::batch_flag::in_line_ssd;
        if (policy.respond_all_keys) request.flags |= wire::batch_flag::respond_all_keys;
        auto reply = execute(request, policy);
        if (!reply) return std::unexpected(std::move(reply.error()));
        std::vector<batch_record> answers;
        answers.reserve(reply->rows.size());
        for (const row_result& row : reply->rows) {
            batch_record answer{.what = static_cast<code>(row.code), .found = {}};
            if (row.ok()) {
                auto found = record_of(reply->ops_of(row), row.op_count, row.generation, row.void_time);
                if (!found) return std::unexpected(std::move(found.error()));
                answer.found = std::move(*found);
            }
            answers.push_back(std::move(answer));
        }
        return answers;
    });
}

result<void> client::truncate(std::string_view name_space, std::string_view set, int64_t before_ns,
                              uint32_t timeout_ms) {
    return detail::within_memory([&]() -> result<void> {
        std::string command = set.empty() ? "truncate-namespace:namespace=" : "truncate:namespace=";
        command += name_space;
        if (!set.empty()) command.append(";set=").append(set);
        if (before_ns != 0) command += ";lut=" + std::to_string(before_ns);
        auto replies = info(command, info_target::any_node, timeout_ms);
        if (!replies) return std::unexpected(std::move(replies.error()));
        const info_reply& answer = replies->front();
        if (answer.code != code::ok) return fail(answer.code, answer.text);
        return {};
    });
}

}  // namespace aero
