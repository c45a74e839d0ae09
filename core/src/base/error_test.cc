#include "aero/error.h"

#include <gtest/gtest.h>

#include <set>

namespace aero {
namespace {

TEST(error, codes_have_the_kinds_that_messages_and_metrics_show) {
    EXPECT_EQ(name_of(code::record_not_found), "KeyNotFoundError");
    EXPECT_EQ(name_of(code::record_exists), "KeyExistsError");
    EXPECT_EQ(name_of(code::generation), "GenerationError");
    EXPECT_EQ(name_of(code::filtered_out), "FilteredOut");
    EXPECT_EQ(name_of(code::invalid_argument), "InvalidArgument");
    EXPECT_EQ(name_of(code::connection), "Connection");
    EXPECT_EQ(name_of(code::timeout), "Timeout");
    EXPECT_EQ(name_of(code::deadline), "Timeout");
}

TEST(error, a_number_nobody_knows_still_has_a_name) { EXPECT_EQ(name_of(static_cast<code>(249)), "Unknown"); }

TEST(error, stages_have_distinct_labels) {
    std::set<std::string_view> labels;
    for (unsigned i = 0; i < static_cast<unsigned>(stage::count_); ++i) labels.insert(name_of(static_cast<stage>(i)));
    EXPECT_EQ(labels.size(), static_cast<size_t>(stage::count_));
    EXPECT_FALSE(labels.contains("unknown"));
    EXPECT_EQ(name_of(stage::key_parse), "key_parse");
    EXPECT_EQ(name_of(stage::unaccounted), "unaccounted");
}

TEST(error, fail_makes_a_result_with_code_and_text) {
    const result<int> failed = fail(code::bin_name, "Bin name 'x' is too long");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().what, code::bin_name);
    EXPECT_EQ(failed.error().text, "Bin name 'x' is too long");
    EXPECT_FALSE(failed.error().in_doubt);
    EXPECT_EQ(failed.error().attempts, 0);
}

}  // namespace
}  // namespace aero
