#include "io/resolver.h"

#include <gtest/gtest.h>

#include <map>

#include "base/time.h"
#include "io/stream.h"

namespace aero::io {
namespace {

std::map<uint32_t, resolver::answer> take(resolver& from, wake_up& wake, size_t count) {
    std::map<uint32_t, resolver::answer> all;
    const nanos until = monotonic_now() + from_ms(20'000);
    while (all.size() < count && monotonic_now() < until) {
        poll_entry entry{.fd = wake.fd(), .interest = readiness::read};
        poll_many({&entry, 1}, from_ms(100));
        wake.clear();
        for (resolver::answer& each : from.take()) all.emplace(each.id, std::move(each));
    }
    return all;
}

TEST(resolver, answers_every_question_with_its_number) {
    auto wake = std::make_shared<wake_up>();
    resolver names(wake);
    for (uint32_t id = 1; id <= 20; ++id) names.ask(id, "localhost", static_cast<uint16_t>(3000 + id));
    names.ask(21, "no such name..", 3000);
    const auto answers = take(names, *wake, 21);
    ASSERT_EQ(answers.size(), 21u);
    for (uint32_t id = 1; id <= 20; ++id) {
        const auto& found = answers.at(id).found;
        ASSERT_FALSE(found.empty()) << answers.at(id).why;
        EXPECT_EQ(found[0].text(), "localhost:" + std::to_string(3000 + id));
        const bool loopback = found[0].same_address(numeric_endpoint("127.0.0.1", found[0].port).value()) ||
                              found[0].same_address(numeric_endpoint("::1", found[0].port).value());
        EXPECT_TRUE(loopback);
    }
    EXPECT_TRUE(answers.at(21).found.empty());
    EXPECT_NE(answers.at(21).why.find("not resolved"), std::string::npos) << answers.at(21).why;
}

TEST(resolver, leaves_at_once_whatever_its_workers_do) {
    auto wake = std::make_shared<wake_up>();
    const nanos before = monotonic_now();
    {
        resolver names(wake);
        for (uint32_t id = 1; id <= 50; ++id) names.ask(id, "no such name..", 3000);
    }
    EXPECT_LT(monotonic_now() - before, from_ms(1000));
}

}  // namespace
}  // namespace aero::io
