#include "include_twice.c"
