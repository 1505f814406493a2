"""What LaTeX's commands look like in Unicode: the tables of ``latex``."""

from __future__ import annotations

_SOURCE = """
alpha α|beta β|gamma γ|delta δ|epsilon ϵ|varepsilon ε|zeta ζ|eta η|theta θ|vartheta ϑ|iota ι|kappa κ|lambda λ|mu μ|nu ν
xi ξ|pi π|varpi ϖ|rho ρ|varrho ϱ|sigma σ|varsigma ς|tau τ|upsilon υ|phi ϕ|varphi φ|chi χ|psi ψ|omega ω|omicron ο
Gamma Γ|Delta Δ|Theta Θ|Lambda Λ|Xi Ξ|Pi Π|Sigma Σ|Upsilon Υ|Phi Φ|Psi Ψ|Omega Ω|hbar ℏ|ell ℓ|Re ℜ|Im ℑ|aleph ℵ|wp ℘
infty ∞|partial ∂|nabla ∇|forall ∀|exists ∃|nexists ∄|emptyset ∅|varnothing ∅|neg ¬|lnot ¬|angle ∠|triangle △|square □
prime ′|degree °|ldots …|dots …|cdots ⋯|vdots ⋮|ddots ⋱|dotsc …|dotsb ⋯|top ⊤|bot ⊥|checkmark ✓|star ⋆|bullet ∙
cdot ·|times ×|div ÷|pm ±|mp ∓|ast ∗|circ ∘|oplus ⊕|ominus ⊖|otimes ⊗|odot ⊙|cap ∩|cup ∪|setminus ∖|wedge ∧|vee ∨
land ∧|lor ∨|sum ∑|prod ∏|coprod ∐|int ∫|iint ∬|iiint ∭|oint ∮|bigcup ⋃|bigcap ⋂|bigoplus ⨁|bigotimes ⨂
leq ≤|le ≤|geq ≥|ge ≥|neq ≠|ne ≠|ll ≪|gg ≫|approx ≈|equiv ≡|sim ∼|simeq ≃|cong ≅|propto ∝|leqslant ⩽|geqslant ⩾
in ∈|notin ∉|ni ∋|subset ⊂|supset ⊃|subseteq ⊆|supseteq ⊇|subsetneq ⊊|mid ∣|nmid ∤|parallel ∥|perp ⊥|vdash ⊢|models ⊨
to →|rightarrow →|leftarrow ←|gets ←|leftrightarrow ↔|Rightarrow ⇒|Leftarrow ⇐|Leftrightarrow ⇔|implies ⇒|iff ⇔
uparrow ↑|downarrow ↓|mapsto ↦|longrightarrow ⟶|longleftarrow ⟵|Longrightarrow ⟹|hookrightarrow ↪|nearrow ↗|searrow ↘
langle ⟨|rangle ⟩|lceil ⌈|rceil ⌉|lfloor ⌊|rfloor ⌋|lVert ‖|rVert ‖|Vert ‖|backslash \\
therefore ∴|because ∵|triangleq ≜|coloneqq ≔|models ⊨|dagger †|ddagger ‡|S §|P ¶|copyright ©|pounds £|surd √
"""
SYMBOLS: dict[str, str] = {}
for _pair in _SOURCE.strip().replace("\n", "|").split("|"):
    _name, _sign = _pair.split()
    SYMBOLS[_name] = _sign
SYMBOLS.update({"lvert": "|", "rvert": "|", "vert": "|", "|": "‖", "{": "{", "}": "}", "%": "%", "$": "$", "&": "&"})
SYMBOLS.update({"#": "#", "_": "_", "lbrace": "{", "rbrace": "}", "colon": ":", "bmod": "mod"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SPACES = {",": " ", ";": " ", ":": " ", " ": " ", "quad": "  ", "qquad": "    ", "!": "", "thinspace": " ", "\n": " "}
NAMES = _words(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh exp log ln lg lim limsup liminf max min sup inf arg "
    "det dim ker deg gcd hom Pr mod"
)
FONTS = _words(
    "text mathrm mathbf mathit mathsf mathtt mathcal mathscr mathfrak boldsymbol bm operatorname textbf textit textrm "
    "texttt mbox mathop mathbin mathrel underline displaystyle textstyle boxed"
)
TEXT = _words("text textbf textit textrm texttt mbox")
DOUBLE_STRUCK = dict(zip("CHNPQRZEF1", "ℂℍℕℙℚℝℤ𝔼𝔽𝟙", strict=True))
ACCENTS = {"hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0305", "tilde": "\u0303",
            "widetilde": "\u0303", "vec": "\u20d7", "dot": "\u0307", "ddot": "\u0308"}  # fmt: skip
IGNORED = _words(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr middle limits nolimits displaystyle textstyle"
)
SUPERSCRIPT = dict(
    zip("0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWαβγδθ′*∗",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵅᵝᵞᵟᶿ′**", strict=True)
)  # fmt: skip
SUBSCRIPT = dict(zip("0123456789+-=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
LAID_OUT = _words("aligned align align* gathered gather gather* equation equation* split alignedat")
GRIDS = {"matrix": ("", ""), "pmatrix": ("(", ")"), "bmatrix": ("[", "]"), "Bmatrix": ("{", "}"),
          "vmatrix": ("|", "|"), "Vmatrix": ("‖", "‖"), "smallmatrix": ("", ""), "cases": ("{ ", "")}  # fmt: skip
