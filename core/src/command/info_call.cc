#include "command/info_call.h"

#include <atomic>

#include "base/buffer_pool.h"
#include "wire/info_text.h"
#include "wire/protocol.h"

namespace aero::command {

namespace {

std::atomic<unsigned> next_node{0};

}  // namespace

void info_call::prepare(std::string_view command, target whom, uint32_t timeout_ms) {
    transport_policy policy;
    policy.total_timeout_ms = timeout_ms;
    reset(policy, false);
    if (command.size() >= wire::body_size_max) {
        refuse("an info command of " + std::to_string(command.size()) + " bytes, more than the " +
               std::to_string(wire::body_size_max) + " that a message may have");
    }
    command_ = command;
    target_ = whom;
    first_node_ = next_node.fetch_add(1, std::memory_order_relaxed);
    nodes_.clear();
    replies_.clear();
    last_error_.reset();
    answered_ = 0;
}

std::unique_ptr<call::plan_error> info_call::plan(part& which, const cluster::view& seen, nanos now) {
    if (seen.nodes.empty())
        return std::make_unique<plan_error>(plan_error{false, code::cluster, "the cluster has no nodes"});
    if (target_ == target::any_node) {
        nodes_.assign(1, seen.nodes[(first_node_ + which.walked) % seen.nodes.size()]);
        replies_.assign(1, info_reply{.node = nodes_[0]->name(), .code = code::ok, .text = {}});
        ask(which, *nodes_[0], 0, now);
        return nullptr;
    }
    if (nodes_.empty()) {
        nodes_ = seen.nodes;
        for (uint32_t i = 0; i < nodes_.size(); ++i) {
            replies_.push_back({.node = nodes_[i]->name(), .code = code::ok, .text = {}});
            ask(which, *nodes_[i], i, now);
        }
        return nullptr;
    }
    for (const uint32_t row : which.rows) ask(which, *nodes_[row], row, now);
    return nullptr;
}

void info_call::ask(part& which, cluster::node& whom, uint32_t row, nanos now) {
    buffer request = take_buffer(command_.size() + 16);
    const std::string_view commands[] = {command_};
    wire::append_info_request(request, commands);
    auto ready = std::make_unique<attempt>(this, &whom, reply_form::info, std::move(request));
    ready->rows.assign(1, row);
    launch(std::move(ready), which, now, 0);
}

bool info_call::accept(attempt& ended, part& which, error& why) {
    recycle(ended.take_request());
    const std::string_view body = as_text(ended.reply().subspan(wire::frame_header_size));
    const auto lines = wire::split_info_reply(body);
    if (lines.empty()) {
        why.what = code::bad_reply;
        why.text = "the node answered the info command with nothing";
        return false;
    }
    if (ended.session_over()) {
        why.what = code::not_authenticated;
        why.text = "Server error: " + std::string(name_of(why.what));
        return false;
    }
    info_reply& reply = replies_[which.rows.front()];
    reply.text = lines.front().value;
    if (const auto refused = wire::info_error_of(lines.front().value)) reply.code = static_cast<code>(refused->code);
    ++answered_;
    return true;
}

bool info_call::salvage(attempt& ended, part&) {
    recycle(ended.take_request());
    return true;
}

void info_call::give_up(part& which, error&& why) {
    for (const uint32_t row : which.rows) {
        replies_[row].code = why.what;
        replies_[row].text = why.text;
    }
    last_error_ = std::make_unique<error>(std::move(why));
}

std::unique_ptr<error> info_call::conclude() { return answered_ > 0 ? nullptr : std::move(last_error_); }

}  // namespace aero::command
