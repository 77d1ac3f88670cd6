"""The columns of the tables; schemas/raw.odcs.yaml says what must be in the raw one."""

MONTH = "month"
VALUE = "co2"

# A row of the features is one forecast to make: at an origin, for the month so many months later.
ID = "id"
ORIGIN = "origin"
HORIZON = "horizon"
ACTUAL = "actual"
KEYS = (ID, ORIGIN, MONTH, HORIZON)

# What the baselines are made of: the value a year before the month, and the growth per year.
LAST_YEAR = "last_year"
GROWTH = "growth"

# What the model sees, all of it known at the origin. An excess is a growth over twelve months
# above the mean growth of the years before.
FEATURES = (
    HORIZON,
    "calendar_month",
    "excess_now",
    "excess_quarter",
    "excess_year",
    "excess_of_month",
)
