"""What the Python scripts share.

command    their command lines, and how they end
cleave     running cleave and reading what it answers
capacity   the highest rate that holds
pages      the parts of pages that scripts write
plots      where results and pictures lie, colours, names
paper      the clusters of the Splitwise paper; paper_table: its figures beside ours

victims belongs to torture, decoder to profile_gpu; setup.sh is what the bash scripts share.
"""
