#ifndef LOKISHIP_TESTS_UNIT_SHIP_SCRATCH_HPP
#define LOKISHIP_TESTS_UNIT_SHIP_SCRATCH_HPP

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace lokiship::testing {

/// A folder that is gone in the end.
struct scratch {
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "lokiship-test-XXXXXX").string();
        folder = ::mkdtemp(name.data());
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() { std::filesystem::remove_all(folder); }
    std::string file(const std::string& name) const { return folder + '/' + name; }

    std::string folder;
};

inline std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace lokiship::testing

#endif
