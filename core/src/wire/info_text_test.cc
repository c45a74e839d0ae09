#include "wire/info_text.h"

#include <gtest/gtest.h>

#include "testing/hex.h"

namespace aero::wire {
namespace {

using tests::hex;
using tests::to_hex;

TEST(info_request, ends_each_command_with_a_line_feed) {
    buffer to;
    const std::string_view commands[] = {"node", "build"};
    append_info_request(to, commands);
    EXPECT_EQ(to_hex(to.view()), hex("02 01 00000000000b 6e6f6465 0a 6275696c64 0a"));
}

TEST(info_reply, splits_into_commands_and_values) {
    const auto lines = split_info_reply("node\tBB9000000000001\nbuild\t8.1.2.0\nservice-clear-alt\t\nlonely\n");
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0].command, "node");
    EXPECT_EQ(lines[0].value, "BB9000000000001");
    EXPECT_EQ(lines[1].value, "8.1.2.0");
    EXPECT_EQ(lines[2].value, "");
    EXPECT_EQ(lines[3].command, "lonely");
    EXPECT_EQ(lines[3].value, "");
}

TEST(info_reply, keeps_tabs_inside_a_value) {
    const auto lines = split_info_reply("c\ta\tb\n");
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].value, "a\tb");
}

TEST(info_reply, of_nothing_has_no_lines) { EXPECT_TRUE(split_info_reply("").empty()); }

TEST(info_reply, is_written_as_it_is_read) {
    buffer to;
    const info_line lines[] = {{"node", "A1"}, {"build", "8.1.2.0"}};
    append_info_reply(to, lines);
    EXPECT_EQ(to_hex(to.view()), hex("02 01 000000000016 6e6f6465 09 4131 0a 6275696c64 09 382e312e322e30 0a"));
}

TEST(info_error, knows_every_way_of_saying_it) {
    const struct {
        std::string_view value;
        int code;
        std::string_view text;
    } cases[] = {
        {"ERROR:4:unrecognized command", 4, "unrecognized command"},
        {"ERROR::went wrong", 1, "went wrong"},
        {"FAIL:201:no index", 201, "no index"},
        {"ERROR:25", 25, ""},
        {"ERROR", 1, ""},
        {"FAIL", 1, ""},
        {"ERROR:4:a:b", 4, "a:b"},
        {"ERROR:odd text", 1, "odd text"},
        {"error=invalid_udf;file=x.lua", 1, "invalid_udf"},
    };
    for (const auto& [value, code, text] : cases) {
        const auto error = info_error_of(value);
        ASSERT_TRUE(error) << value;
        EXPECT_EQ(error->code, code) << value;
        EXPECT_EQ(error->text, text) << value;
    }
}

TEST(info_error, does_not_see_errors_where_none_are) {
    for (const std::string_view value : {"", "ok", "ERRORS=0", "errors=5", "8.1.2.0", "FAILED"}) {
        EXPECT_FALSE(info_error_of(value)) << value;
    }
}

TEST(split, gives_a_part_between_separators) {
    EXPECT_EQ(split("a;b;c", ';'), (std::vector<std::string_view>{"a", "b", "c"}));
    EXPECT_EQ(split("a", ';'), (std::vector<std::string_view>{"a"}));
    EXPECT_EQ(split(";a;;", ';'), (std::vector<std::string_view>{"", "a", "", ""}));
    EXPECT_TRUE(split("", ';').empty());
}

}  // namespace
}  // namespace aero::wire
