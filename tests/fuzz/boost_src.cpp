// So that libFuzzer sees into these parts of Boost too.
#include <lokiship/boost_src.hpp>
