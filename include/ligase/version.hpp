#pragma once

#define LIGASE_VERSION "0.1.0"
