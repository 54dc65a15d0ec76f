from mm_ops.cli import main

main()
