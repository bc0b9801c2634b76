"""The field's words in other languages, as people name the columns and lines of their logs."""

from __future__ import annotations

import re
from functools import cache

# Between letters of their own script, which no space parts; the longer before those that they begin with.
UNSPACED = {
    "train": ("训练集", "訓練集", "训练", "訓練", "학습", "훈련"),
    "val": ("验证集", "驗證集", "验证", "驗證", "検証", "검증"),
    "test": ("测试集", "測試集", "测试", "測試", "テスト", "테스트"),
    "loss": ("损失", "損失", "손실"),
    "accuracy": ("准确率", "準確率", "正确率", "正解率", "精度", "정확도"),
    "precision": ("精确率", "精確率"),
    "recall": ("召回率", "再現率"),
    "error": ("误差", "誤差"),
    "lr": ("学习率", "學習率", "学習率", "학습률"),
    "avg": ("平均",),
    "epoch": ("轮次", "轮数", "エポック", "에포크", "에폭"),
}
SPACED = {
    "train": (
        "entrenamiento treino treinamento entraînement entrainement addestramento обучение обучения обучении"
    ),
    "val": (
        "validación validacion validação validacao validierung validazione валидация валидации валидационная"
    ),
    "test": "prueba teste тест",
    "loss": "pérdida perdida pérdidas perda perte verlust perdita потери потеря",
    "accuracy": ("exactitud acurácia acuracia exatidão exactitude genauigkeit accuratezza точность"),
    "error": "erreur fehler errore ошибка",
    # What German writes as one word.
    **{
        f"{rows} {metric}": f"{german}{noun}"
        for rows, german in (("train", "trainings"), ("val", "validierungs"), ("test", "test"))
        for metric, noun in (("loss", "verlust"), ("accuracy", "genauigkeit"), ("error", "fehler"))
    },
    "epoch": "época epoca épocas epocas époque epoche epochen эпоха эпохи",
}
ENGLISH = {word: english for english, words in UNSPACED.items() for word in words} | {
    word: english for english, words in SPACED.items() for word in words.split()
}
UNSPACED_WORDS = frozenset(word for words in UNSPACED.values() for word in words)


def in_english(text: str) -> str:
    """Return a text with the words for rows, metrics and epochs in English.

    Example:
        >>> in_english("验证集损失"), in_english("Pérdida de validación"), in_english("val_loss")
        (' val  loss ', 'loss de val', 'val_loss')
    """
    lowered = text.lower()
    held = [word for word in ENGLISH if word in lowered]  # a hundred times as fast as a pattern
    return _pattern(tuple(held)).sub(_english, text) if held else text


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    alone = [word if word in UNSPACED_WORDS else rf"(?<![^\W_]){word}(?![^\W_])" for word in longest_first]
    return re.compile("|".join(alone), re.IGNORECASE)


def _english(match: re.Match[str]) -> str:
    english = ENGLISH[match[0].lower()]
    return f" {english} " if match[0] in UNSPACED_WORDS else english
