"""What a card can say: the sections people write, the keys of its front matter, and the words Hugging Face knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Hf = Literal["", "optional", "asked"]


@dataclass(frozen=True, slots=True)
class Topic:
    """A section that only a person can write.

    `group` is the heading of the card it stands below, `prompt` the question it answers, `annex` the points of Annex IV of
    the EU's AI Act that ask for it; `hf` says whether profile hf asks for it too, or shows that it is not stated.
    """

    key: str
    title: str
    group: str
    prompt: str
    annex: str
    hf: Hf = ""


USE, HOW, EVALUATION, LIMITS = "Intended use", "How to use", "Evaluation", "Limitations and risks"
DATA, TRAINING, UPKEEP = "Data", "Training", "Upkeep"

TOPICS = (
    Topic("intended_use", "Purpose", USE, "What is the model for, and what decisions may rest on it?", "1(a)", "asked"),
    Topic("users", "Users", USE, "Who uses it, and whom does it affect?", "1(a), 2(b)"),
    Topic(
        "downstream_use", "Downstream use", USE, "Into what may it be built, and for what may it be adapted?", "–", "optional"
    ),
    Topic("out_of_scope", "Out of scope", USE, "What must it not be used for?", "3", "asked"),
    Topic("interaction", "Interaction", USE, "With which other hardware, software and AI systems does it work?", "1(b)"),
    Topic(
        "forms", "Forms of delivery", USE, "In which forms is it delivered: as a file, a package, an API, in a device?", "1(d)"
    ),
    Topic("hardware", "Hardware", USE, "On which hardware is it meant to run?", "1(e)"),
    Topic("product", "Product", USE, "Of which product is it a part, and where are pictures of it?", "1(f)"),
    Topic(
        "instructions",
        "Instructions for use",
        HOW,
        "How is it called, what must its input be, how is its answer read, and through which interface?",
        "1(g), 1(h), 3",
    ),
    Topic("metric_rationale", "Choice of metrics", EVALUATION, "Why are these metrics and thresholds the right ones?", "4"),
    Topic("testing", "Tests", EVALUATION, "How was it tested, by whom, and where are the dated and signed reports?", "2(g)"),
    Topic("limitations", "Limitations", LIMITS, "Where is it known or likely to be wrong?", "3", "asked"),
    Topic("risks", "Risks and mitigations", LIMITS, "What can go wrong, for whom, and what is done about it?", "3, 5", "asked"),
    Topic(
        "recommendations", "Recommendations", LIMITS, "What should its users do, given these limits and risks?", "–", "asked"
    ),
    Topic("ethics", "Fairness", LIMITS, "How does it treat different groups, and is that acceptable?", "2(g), 3", "asked"),
    Topic("human_oversight", "Human oversight", LIMITS, "Who watches and can overrule it, and how?", "2(e), 3"),
    Topic("security", "Security", LIMITS, "What protects it against manipulation of data, model and input?", "2(h)"),
    Topic("data_provenance", "Provenance", DATA, "Where do the data come from, and under which terms?", "2(d)", "asked"),
    Topic("data_collection", "Collection", DATA, "How and when were they collected and selected?", "2(d)"),
    Topic("data_labelling", "Labelling", DATA, "Who or what gave the labels, and how reliable are they?", "2(d)"),
    Topic("data_cleaning", "Cleaning", DATA, "What was removed or changed, and why?", "2(d)"),
    Topic("personal_data", "Personal data", DATA, "Are there personal or sensitive data, and how are they protected?", "2(d)"),
    Topic(
        "approach",
        "Approach",
        TRAINING,
        "Which kind of model is it, what is it optimised for, what does it answer, and why was this chosen?",
        "2(b)",
    ),
    Topic(
        "third_party",
        "Parts of others",
        TRAINING,
        "Which pre-trained models and tools of others went into it, and how?",
        "2(a)",
    ),
    Topic("architecture", "Architecture", TRAINING, "How do its parts build on each other, and into what do they fit?", "2(c)"),
    Topic(
        "compute",
        "Compute",
        TRAINING,
        "On which machines, for how long and with how much energy was it made?",
        "2(c)",
        "optional",
    ),
    Topic("monitoring", "Monitoring", UPKEEP, "What is watched after release, and what happens when it fires?", "3, 9"),
    Topic(
        "planned_changes",
        "Planned changes",
        UPKEEP,
        "Which changes are decided beforehand, and what keeps it compliant?",
        "2(f)",
    ),
    Topic("standards", "Standards", UPKEEP, "Which standards and specifications does it follow?", "7"),
    Topic("conformity", "Conformity", UPKEEP, "Where is the declaration of conformity?", "8"),
)
BY_KEY = {topic.key: topic for topic in TOPICS}


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# The names of licences on the Hugging Face Hub; `other` goes with license_name and license_link.
LICENSES = _names(
    """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0
    lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl
    openmdw-1.0 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license llama2
    llama3 llama3.1 llama3.2 llama3.3 llama4 gemma unknown other
    """
)

# The tasks a model can have on the Hugging Face Hub.
TASKS = _names(
    """
    tabular-classification tabular-regression time-series-forecasting text-classification token-classification
    question-answering table-question-answering zero-shot-classification translation summarization feature-extraction
    text-generation fill-mask sentence-similarity text-ranking text-to-speech text-to-audio
    automatic-speech-recognition audio-to-audio audio-classification voice-activity-detection depth-estimation
    image-classification object-detection image-segmentation text-to-image image-to-text image-to-image image-to-video
    unconditional-image-generation video-classification zero-shot-image-classification zero-shot-object-detection
    mask-generation keypoint-detection image-feature-extraction image-text-to-text visual-question-answering
    document-question-answering any-to-any text-to-video video-text-to-text graph-ml reinforcement-learning robotics
    other
    """
)
